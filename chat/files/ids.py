"""Names of stored files: 192 random bits and the type, so that serving one needs no lookup.

An id is a capability: whoever knows it may read the file. It is also the name under which the file
is stored, and nothing else that a client sends ever becomes part of a path.
"""

import re
import secrets

_RANDOM_BYTES = 24
_TYPE = r"(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9.+-]{0,79}"
#: A media type without parameters, as the list of allowed ones has them.
MEDIA_TYPE = re.compile(_TYPE)
_ID = re.compile(r"[A-Za-z0-9_-]{32}\." + _TYPE.replace("/", r"\.", 1))


def new_id(media_type: str) -> str:
    """Return an id that nobody can guess, for a file of this type."""
    return f"{secrets.token_urlsafe(_RANDOM_BYTES)}.{media_type.replace('/', '.', 1)}"


def type_of(file_id: str) -> str | None:
    """Return the media type that an id names, None if it is not an id."""
    if not _ID.fullmatch(file_id):
        return None
    main, _, subtype = file_id.partition(".")[2].partition(".")
    return f"{main}/{subtype}"
