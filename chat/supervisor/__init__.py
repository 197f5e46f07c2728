"""`chat up`: workers as child processes, kept alive, replaced and stopped in order."""
