"""The HTTP side, `chat api`: the page, and reading rooms without a connection."""
