"""API keys for tests: a file with one for everything, and others as they are asked for."""

from pathlib import Path

from chat.identity.apikeys import Scope
from chat.identity.minting import make_key


class Keys:
    """A file of keys.

    Args:
        path: where it is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all = self.make(*Scope)

    def make(self, *scopes: Scope, rooms: tuple[str, ...] = ("*",)) -> str:
        """Add a key to the file and return it."""
        key, _ = make_key(scopes, rooms, "of the tests", self.path)
        return key
