"""One worker process: sessions above the gateway, rooms below, and its life until the drain."""
