"""The event stream format: what goes to members as frames, as blocks of text. Pure.

    id: 9c56cc51:41
    event: chat_message
    data: {"type":"chat_message","roomId":"lobby",…}

The id is the position after an event. An event without a place in the room's order has none, and
a client's last id stays what it was.

Source: WHATWG HTML, server-sent events.
"""

from msgspec import DecodeError, Struct, ValidationError, convert, json

from chat.protocol.commands import Since
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.frames import split_frames

#: A comment, which tells proxies and clients that the stream lives.
HEARTBEAT = b":\n\n"


class _Placed(Struct):
    """As much of an event as its block needs."""

    type: str
    epoch: str | None = None
    seq: int | None = None
    toSeq: int | None = None  # noqa: N815 - the wire's name


_decoder = json.Decoder(_Placed)


class Renderer:
    """Turns frames into blocks, once for all readers that get the same frames in a row."""

    __slots__ = ("_blocks", "_frames")

    def __init__(self) -> None:
        self._frames = b""
        self._blocks = b""

    def __call__(self, frames: bytes) -> bytes:
        """Return the blocks of a run of text frames."""
        if frames is not self._frames:
            self._blocks = blocks_of(frames)
            self._frames = frames
        return self._blocks


def blocks_of(frames: bytes) -> bytes:
    """Return the blocks of a run of text frames, each of which holds an event."""
    return b"".join(block(event) for _, event in split_frames(frames))


def block(event: bytes, at: str | None = None) -> bytes:
    """Return the block of an event.

    Args:
        event: as JSON.
        at: its id, instead of the one that follows from its place.
    """
    head = b"" if at is None else _id(at)
    try:
        placed = _decoder.decode(event)
    except (DecodeError, UnicodeDecodeError):
        pass  # of a stranger on our channel: passed on as it is, as to a WebSocket
    else:
        seq = placed.toSeq if placed.type == "gap" else placed.seq
        if at is None and placed.epoch is not None and seq is not None:
            head = _id(position_text(placed.epoch, seq))
        head += b"event: %s\n" % _line(placed.type)
    data = b"\ndata: ".join(event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"%sdata: %s\n\n" % (head, data)


def retry(milliseconds: int) -> bytes:
    """Return the field that tells a client how long to wait before it comes back."""
    return b"retry: %d\n\n" % milliseconds


def position_text(epoch: str, seq: int) -> str:
    """Return a position as an id."""
    return f"{epoch}:{seq}"


def parse_position(text: str, name: str) -> Since:
    """Return the position of an id.

    Args:
        text: `epoch:seq`.
        name: of where it was, for the refusal.

    Raises:
        CommandError: invalid_message.
    """
    epoch, _, seq = text.rpartition(":")
    try:
        if not seq.isascii() or not seq.isdecimal() or not epoch.isprintable():
            raise ValueError("not of the form")  # noqa: TRY301 - one refusal for all
        return convert({"epoch": epoch, "seq": int(seq)}, Since)
    except (ValidationError, ValueError):
        raise CommandError(
            ErrorCode.INVALID_MESSAGE, f"`{name}` is not of the form epoch:seq."
        ) from None


def _id(text: str) -> bytes:
    return b"id: %s\n" % _line(text)


def _line(text: str) -> bytes:
    """Return text that stays within its line; ours has no line end, a stranger's might."""
    return text.replace("\r", " ").replace("\n", " ").replace("\0", " ").encode(errors="replace")
