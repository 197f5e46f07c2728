"""Canaries: a few clients of the Python SDK beside the many, to see what its users see."""
