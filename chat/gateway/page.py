"""The web client's files, read once: what the workers and the HTTP side both serve."""

import mimetypes
from importlib.resources import files

_ENDINGS = (".html", ".js", ".css", ".svg")


def load_page() -> dict[str, tuple[str, bytes]]:
    """Return (content type, body) by path: a handful of small files."""
    page: dict[str, tuple[str, bytes]] = {}
    for entry in files("chat.web").iterdir():
        if entry.name.endswith(_ENDINGS):
            page[f"/static/{entry.name}"] = content_type(entry.name), entry.read_bytes()
    page["/"] = page["/static/index.html"]
    if "/static/favicon.svg" in page:
        page["/favicon.ico"] = page["/static/favicon.svg"]
    return page


def content_type(name: str) -> str:
    """Return the media type of a file by its name; ours are all UTF-8."""
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed
