"""The endpoints, as CHAT_WEBHOOK_URL or the file of CHAT_WEBHOOKS_FILE name them.

[[endpoint]]
name = "crm"
url = "https://crm.example/hooks/chat"
secret_file = "crm-secret"     # beside this file, or an absolute path
rooms = ["support-*"]          # all, if it is not given
events = ["chat_message", "message_*"]
"""

import logging
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, ValidationError, convert

from chat.protocol.patterns import Pattern
from chat.protocol.signature import SecretError, parse_secrets
from chat.settings import Settings, SettingsError
from chat.webhooks.kinds import KINDS, LOGGED, REPORTED

log = logging.getLogger(__name__)

ENDPOINTS_MAX = 16
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    url: str
    secret_file: str
    rooms: tuple[str, ...] = ("*",)
    events: tuple[str, ...] = ("*",)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    endpoint: list[_Entry]


class Endpoint:
    """Who is told, and of what.

    Args:
        name: in metrics, logs and keys.
        url: where to.
        secrets: that sign; the first is not preferred to the second.
        rooms: patterns of rooms.
        events: patterns of kinds.
        secret_file: from which the secrets are, to be read again.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secrets: tuple[bytes, ...],
        *,
        rooms: Sequence[str] = ("*",),
        events: Sequence[str] = ("*",),
        secret_file: Path | None = None,
    ) -> None:
        self.name = name
        self.url = url
        self.secrets = secrets
        self.rooms = tuple(rooms)
        self.kinds = frozenset(kind for kind in KINDS if _matches(events, kind))
        self.wants_logged = not self.kinds.isdisjoint(LOGGED)
        self.wants_reports = REPORTED in self.kinds
        self._patterns = tuple(map(Pattern, rooms))
        self._secret_file = secret_file
        self._mark = _mark_of(secret_file)

    def wants_room(self, room_id: str) -> bool:
        """Whether what happens in a room is told at all."""
        return any(pattern.matches(room_id) for pattern in self._patterns)

    def look(self) -> None:
        """Read the secrets again if their file is another; one that is wrong changes nothing."""
        mark = _mark_of(self._secret_file)
        if self._secret_file is None or mark == self._mark:
            return
        self._mark = mark
        try:
            self.secrets = _read_secrets(self._secret_file)
        except SettingsError as exc:
            log.warning("hook_secret_not_read", extra={"endpoint": self.name, "error": str(exc)})
        else:
            log.info("hook_secret_read", extra={"endpoint": self.name})


def read_endpoints(settings: Settings) -> list[Endpoint]:
    """Return the endpoints of the settings.

    Raises:
        SettingsError: one is wrong, or there are none.
    """
    if settings.webhook_url:
        return [_only(settings)]
    if not settings.webhooks_file:
        raise SettingsError(
            "There is no endpoint: set CHAT_WEBHOOK_URL and CHAT_WEBHOOK_SECRET, or "
            "CHAT_WEBHOOKS_FILE."
        )
    path = Path(settings.webhooks_file)
    try:
        return _parse(path, path.read_text(encoding="utf-8"))
    except OSError as exc:
        reason = exc.strerror or "it cannot be read"
        raise SettingsError(f"CHAT_WEBHOOKS_FILE: {path}: {reason}.") from None
    except ValueError as exc:  # TOML, UTF-8, or one of our own sentences
        raise SettingsError(f"CHAT_WEBHOOKS_FILE: {path}: {exc}.") from None


def _only(settings: Settings) -> Endpoint:
    try:
        _check_url(settings.webhook_url)
    except ValueError as exc:
        raise SettingsError(f"CHAT_WEBHOOK_URL: {exc}.") from None
    try:
        return Endpoint("default", settings.webhook_url, parse_secrets(settings.webhook_secret))
    except SecretError as exc:
        raise SettingsError(f"CHAT_WEBHOOK_SECRET: {exc}.") from None


def _parse(path: Path, text: str) -> list[Endpoint]:
    try:
        entries = convert(tomllib.loads(text), _File).endpoint
    except ValidationError as exc:
        raise ValueError(str(exc)) from None
    if not 1 <= len(entries) <= ENDPOINTS_MAX:
        raise ValueError(f"it has {len(entries)} endpoints, and may have 1 to {ENDPOINTS_MAX}")
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("two endpoints have the same name")
    return [_endpoint(path, entry) for entry in entries]


def _endpoint(path: Path, entry: _Entry) -> Endpoint:
    where = f"endpoint {entry.name!r}"
    if not _NAME.match(entry.name):
        raise ValueError(f"{where}: a name has 1 to 32 of a-z, 0-9 and -, the first no -")
    try:
        _check_url(entry.url)
    except ValueError as exc:
        raise ValueError(f"{where}: {exc}") from None
    if not entry.rooms or not entry.events:
        raise ValueError(f"{where}: `rooms` and `events` have to name something, or be left out")
    for pattern in entry.events:
        if not any(Pattern(pattern).matches(kind) for kind in KINDS):
            raise ValueError(f"{where}: {pattern!r} is no event; there are {', '.join(KINDS)}")
    secret_file = path.parent / entry.secret_file
    try:
        secrets = _read_secrets(secret_file)
    except SettingsError as exc:
        raise ValueError(f"{where}: {str(exc).removesuffix('.')}") from None
    return Endpoint(
        entry.name,
        entry.url,
        secrets,
        rooms=entry.rooms,
        events=entry.events,
        secret_file=secret_file,
    )


def _read_secrets(path: Path) -> tuple[bytes, ...]:
    try:
        return parse_secrets(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SettingsError(f"{path}: {exc.strerror or 'it cannot be read'}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: it is not UTF-8 text.") from None
    except SecretError as exc:
        raise SettingsError(f"{path}: {exc}.") from None


def _check_url(url: str) -> None:
    """Let pass http and https without a name or a password, which would end up in logs."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the URL has to begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not hold a password: deliveries are signed")
    if parts.fragment:
        raise ValueError("the URL must not have a #fragment")
    _ = parts.port  # raises ValueError if it is no port


def _matches(patterns: Sequence[str], text: str) -> bool:
    return any(Pattern(pattern).matches(text) for pattern in patterns)


def _mark_of(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)
