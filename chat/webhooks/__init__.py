"""Webhooks: what happens in rooms, posted to endpoints of others; `chat hooks`."""
