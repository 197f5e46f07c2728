"""What is set of a room: its title and topic, and its rules. Pure: no settings, no Redis."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from msgspec import UNSET, Meta, MsgspecError, Struct, UnsetType, json

_LARGEST = 2**53 - 1
Milliseconds = Annotated[int, Meta(ge=0, le=_LARGEST)]
HistorySize = Annotated[int, Meta(ge=1, le=_LARGEST)]
#: Shorter than that and messages would be gone before they are read.
HistoryMs = Annotated[int, Meta(ge=1000, le=_LARGEST)]
Words = Annotated[str, Meta(min_length=1)]


class About(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is set of a room; for what is not there, the server's settings hold."""

    title: str | None = None
    topic: str | None = None
    slowModeMs: int | None = None
    historySize: int | None = None
    historyMs: int | None = None
    readOnly: bool = False
    large: bool = False


class AboutChange(Struct, frozen=True, kw_only=True):
    """What is to be set of a room: null resets a field, what is left out stays as it is."""

    title: Words | UnsetType | None = UNSET
    topic: Words | UnsetType | None = UNSET
    slowModeMs: Milliseconds | UnsetType | None = UNSET
    historySize: HistorySize | UnsetType | None = UNSET
    historyMs: HistoryMs | UnsetType | None = UNSET
    readOnly: bool | UnsetType | None = UNSET
    large: bool | UnsetType | None = UNSET


def change_in(asked: Struct) -> AboutChange:
    """Return the change in a command, which has the same fields among others."""
    return AboutChange(**{name: getattr(asked, name) for name in AboutChange.__struct_fields__})


#: Of a room of which nothing is set: nearly all of them.
NOTHING = About()


def changed(about: About, change: AboutChange) -> About:
    """Return what is set after a change."""
    fields = {name: getattr(about, name) for name in About.__struct_fields__}
    for name, default in zip(About.__struct_fields__, _DEFAULTS, strict=True):
        value = getattr(change, name)
        if value is not UNSET:
            fields[name] = default if value is None else value
    return About(**fields)


_DEFAULTS: Sequence[object] = About.__struct_defaults__
_encode = json.Encoder().encode
_decoder = json.Decoder(About)


def encode_about(about: About) -> bytes:
    """Return it as JSON, as it is stored and sent."""
    return _encode(about)


@lru_cache(maxsize=1024)
def decode_about(data: bytes) -> About:
    """Return what JSON says; what a newer version has set besides is passed over.

    Raises:
        ValueError: this is nothing of ours.
    """
    try:
        return _decoder.decode(data)
    except MsgspecError as exc:
        raise ValueError(f"not about a room: {exc}") from None


def rules_of(about: About) -> str:
    """Return those of the rules that scripts go by; see `broker/scripts/_rules.lua`."""
    fields = (about.slowModeMs, about.historySize, about.historyMs)
    numbers = ":".join("" if number is None else str(number) for number in fields)
    return f"{numbers}:{'1' if about.readOnly else ''}:{'1' if about.large else ''}"
