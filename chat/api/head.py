"""The head of an ASGI request in the gateway's terms, so that its rules hold here too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Fields:
    """Header fields; servers hand their names over in lower case."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def get_all(self, name: str, /) -> list[str]:
        """Return the values of a field, in order; empty if it is not there."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for field, value in self._raw if field == wanted]


@dataclass(frozen=True, slots=True)
class Head:
    """Method, path without its query, header fields."""

    method: str
    path: str
    headers: Fields


def head_of(scope: Mapping[str, Any]) -> Head:
    """Return the head of a request.

    Source: ASGI specification, HTTP connection scope.
    """
    return Head(scope["method"], scope["path"], Fields(scope["headers"]))
