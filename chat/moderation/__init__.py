"""Moderation without input and output: what acts there are, who may, what they mean."""
