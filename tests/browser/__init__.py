"""The web client in a real browser: its pure rules, and whole conversations."""
