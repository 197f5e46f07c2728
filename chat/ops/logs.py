"""Logs: the standard library's loggers, one line per record, JSON or for a person.

Fields go in `extra` (`log.info("room trimmed", extra={"room": room_id})`). Whatever the record
holds, the finished line is redacted last: tokens, passwords in Redis URLs and the configured
secrets cannot come out, not even in a traceback.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import orjson

from chat.settings import Settings

#: Fields every record has; what else is in a record came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: The base64 of `{"`, `{ ` and `{` with a line end: how the header of a token begins.
_TOKEN = r"(?:eyJ|eyA|ewo|ew0)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"  # noqa: S105 - a pattern
_API_KEY = r"chatkey_[0-9a-f]{2,}_[A-Za-z0-9_-]{8,}"
_URL_PASSWORD = r"(?P<scheme>(?:rediss?|unix)://)[^\s\"'<>]*@"  # noqa: S105 - a pattern
_QUERY_PASSWORD = r"(?P<name>[?&](?:password|token)=)[^&\s\"']+"  # noqa: S105 - a pattern


class Redactor:
    """Takes secrets out of text.

    Args:
        secrets: literal values that must not appear, beside what looks like a secret.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        literal = {secret for secret in secrets if len(secret) >= 4}
        literal |= {json.dumps(secret)[1:-1] for secret in literal}
        ordered = sorted(literal, key=len, reverse=True)
        patterns = [_TOKEN, _API_KEY, _URL_PASSWORD, _QUERY_PASSWORD, *map(re.escape, ordered)]
        self._pattern = re.compile("|".join(patterns))

    def __call__(self, text: str) -> str:
        """Return the text without its secrets."""
        return self._pattern.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    if found["scheme"]:
        return f"{found['scheme']}[redacted]@"
    return f"{found['name'] or ''}[redacted]"


class _Formatter(logging.Formatter):
    def __init__(self, redact: Redactor, fields: dict[str, Any]) -> None:
        super().__init__()
        self._redact = redact
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return self._redact(self.line(record, self._fields | extra))

    def line(self, record: logging.LogRecord, fields: dict[str, Any]) -> str:
        raise NotImplementedError

    def _traceback(self, record: logging.LogRecord) -> str:
        parts = []
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n".join(parts)


class JsonFormatter(_Formatter):
    """One JSON object per record."""

    def line(self, record: logging.LogRecord, fields: dict[str, Any]) -> str:
        """Return the record as JSON."""
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in fields.items():
            values.setdefault(name, value)
        if traceback := self._traceback(record):
            values["traceback"] = traceback
        return orjson.dumps(values, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class ConsoleFormatter(_Formatter):
    """One line for a person: time, level, sentence, fields."""

    def line(self, record: logging.LogRecord, fields: dict[str, Any]) -> str:
        """Return the record as a line, a traceback below it."""
        clock = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        text = f"{clock} {record.levelname.lower():<7} {record.getMessage()}"
        text += "".join(f" {name}={value}" for name, value in fields.items())
        traceback = self._traceback(record)
        return f"{text}\n{traceback}" if traceback else text


def secrets_of(settings: Settings) -> list[str]:
    """Return the literal secrets that the settings hold."""
    url = urlsplit(settings.redis_url)
    options = parse_qs(url.query).get("sentinel_password", [])
    passwords = [url.password or "", *options]
    secrets = [settings.jwt_secret, *passwords, *map(unquote, passwords), *map(quote, passwords)]
    return [secret for secret in dict.fromkeys(secrets) if secret]


def setup(settings: Settings, worker_id: str | None = None) -> None:
    """Send all logs to standard error as configured, replacing what was set up before.

    Args:
        settings: format, level and the secrets to leave out.
        worker_id: named in every record of this process.
    """
    kind = JsonFormatter if settings.log_format == "json" else ConsoleFormatter
    handler = logging.StreamHandler(sys.stderr)
    fields = {} if worker_id is None else {"worker": worker_id}
    handler.setFormatter(kind(Redactor(secrets_of(settings)), fields))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.getLogger("websockets").setLevel(logging.WARNING)
