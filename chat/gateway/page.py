"""The web client's files, read once: what the workers and the HTTP side both serve.

The page is built on the JavaScript SDK, whose only home is `clients/js/src`. An installed package
carries a copy of that folder (see `force-include` in pyproject.toml); a checkout is read in place.
"""

import mimetypes
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_ENDINGS = (".html", ".js", ".css", ".svg")
_CHECKOUT_SDK = Path(__file__).resolve().parents[2] / "clients" / "js" / "src"


def load_page() -> dict[str, tuple[str, bytes]]:
    """Return (content type, body) by path: a few dozen small files.

    Raises:
        FileNotFoundError: the SDK is neither in the package nor beside it.
    """
    page = _folder(files("chat.web"), "/static/") | _folder(_sdk(), "/static/sdk/")
    page["/"] = page["/static/index.html"]
    if "/static/favicon.svg" in page:
        page["/favicon.ico"] = page["/static/favicon.svg"]
    return page


def content_type(name: str) -> str:
    """Return the media type of a file by its name; ours are all UTF-8."""
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def _sdk() -> Traversable:
    packaged = files("chat.web") / "sdk"
    return packaged if packaged.is_dir() else _CHECKOUT_SDK


def _folder(folder: Traversable, prefix: str) -> dict[str, tuple[str, bytes]]:
    return {
        f"{prefix}{entry.name}": (content_type(entry.name), entry.read_bytes())
        for entry in folder.iterdir()
        if entry.name.endswith(_ENDINGS)
    }
