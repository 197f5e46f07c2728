"""The SDKs of clients/, each tested with its own tools, against real workers."""
