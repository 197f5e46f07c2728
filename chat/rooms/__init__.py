"""Rooms on this worker: order, membership and fan-out."""
