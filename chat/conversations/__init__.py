"""Rooms with a roster, who may do what in them, and the ids that follow from who is meant: pure."""
