"""Sockets: bytes in, bytes out, WebSocket frames between. Knows nothing of rooms."""
