"""How a connection is opened: the names that its HTTP request uses."""

PATH = "/ws"
SUBPROTOCOL = "chat.v1"
#: A subprotocol that is offered beside ours and never chosen: the token follows.
TOKEN_SUBPROTOCOL = "chat.token."  # noqa: S105 - a name, not a secret
