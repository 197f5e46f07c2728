"""Where a client's tokens come from."""

import inspect
from collections.abc import Awaitable, Callable

from chat.client.errors import AuthenticationError

#: A token, or what returns one that is valid now: called before each connection and when the token
#: of a live one is about to end.
TokenSource = str | Callable[[], str | Awaitable[str]]


class Tokens:
    """Asks a source, of whichever kind."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    @property
    def can_renew(self) -> bool:
        """Whether asking again may give another token."""
        return not isinstance(self._source, str)

    async def get(self) -> str:
        """Return a token.

        Raises:
            AuthenticationError: there is none, and asking again will not help.
            Exception: whatever the program's callback raises; asking again may help.
        """
        source = self._source
        if isinstance(source, str):
            token = source
        else:
            made = source()
            token = await made if inspect.isawaitable(made) else made
        if not token.isascii() or not token.isprintable() or not token.strip():
            raise AuthenticationError("the token is not one")
        return token
