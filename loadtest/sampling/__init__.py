"""Looks at the target, its Redis and this machine now and then while a test runs."""
