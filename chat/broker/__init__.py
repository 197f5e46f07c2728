"""Rooms across workers: everything that touches Redis."""
