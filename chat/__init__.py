"""A real-time chat server cluster on asyncio, WebSockets and Redis."""

__version__ = "0.1.0"
