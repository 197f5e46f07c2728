"""`chat join`: a room on standard input and output, for people and scripts."""
