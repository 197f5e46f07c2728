"""What is set of rooms, on real workers."""
