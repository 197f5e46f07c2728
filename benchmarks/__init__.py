"""Benchmarks of the whole server, one command each: `python -m benchmarks.NAME`.

Each starts its own Redis and workers, stops them, and prints a table and one line of JSON. The
clients are this folder's own and use nothing of `chat/`, so that they cannot share its mistakes.
"""
