"""Names that people gave their files: to be shown, and to save a file under; never a path here."""

import unicodedata
from collections.abc import Callable
from urllib.parse import quote

MAX_CHARS = 100
_UNNAMED = "file"
_ASCII_SAFE = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$&+-.^_`~()"
)


def clean_name(name: str) -> str:
    """Return a name without folders, control characters and marks that turn text around.

    The end is kept where it is too long, as it says what the file is.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(
        char for char in last if unicodedata.category(char)[0] not in "CZ" or char == " "
    )
    seen = " ".join(seen.split()).lstrip(".")
    if len(seen) > MAX_CHARS:
        stem, dot, ending = seen.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        seen = seen[: MAX_CHARS - len(ending)] + ending
    return seen or _UNNAMED


def filtered_name(name: str, words_of: Callable[[str], str]) -> str:
    """Return a name as a word filter leaves it, which keeps the length of what it is given.

    In names of files underscores stand where a text has spaces, so words end there.
    """
    left = words_of(name.replace("_", " "))
    return "".join(
        "_" if was == "_" and now == " " else now for was, now in zip(name, left, strict=True)
    )


def disposition(name: str, *, inline: bool) -> str:
    """Return a Content-Disposition for a cleaned name.

    Source: RFC 6266, with the encoding of RFC 8187 for what is not ASCII.
    """
    plain = "".join(char if char in _ASCII_SAFE else "_" for char in name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def url_of(file_id: str, name: str) -> str:
    """Return where a file is to be had, from the root of the host that took it."""
    return f"/files/{file_id}/{quote(name, safe='')}"
