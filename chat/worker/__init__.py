"""One worker process: sessions on top of the gateway, rooms below, and its life from start to drain."""
