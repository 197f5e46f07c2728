"""Uploaded files: what they are by their content, how they are received, where they are kept."""
