"""What a file is, told by its first bytes; what its name or its sender says does not count."""

import codecs

import puremagic

#: How much of a file is looked at.
HEAD_BYTES = 65536
#: What a browser may show within a page: formats without scripts, walked through by `pictures`.
INLINE = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
PLAIN_TEXT = "text/plain"
UNKNOWN = "application/octet-stream"
#: In front of the library's table, whose first answer for these is not the one that is certain.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),  # documents of office programs are archives, too
)
_TEXT_CONTROLS = frozenset("\t\n\v\f\r\x1b")


def kind_of(head: bytes) -> str:
    """Return the media type of a file by its beginning.

    What reads as text is text/plain, be it HTML, SVG or a program: it is never shown as anything
    else.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if _is_text(head):
        return PLAIN_TEXT
    try:
        found = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    # What is dangerous is only ever what our own table says, and text is not a guess.
    if not found or found in INLINE or found.startswith("text/"):
        return UNKNOWN
    return found.lower()


def _is_text(head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(head)  # not final: the cut may be within a character
    except UnicodeDecodeError:
        return False
    return all(char >= " " or char in _TEXT_CONTROLS for char in text)
