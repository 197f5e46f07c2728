"""Logs never hold a secret, in either format."""

import io
import json
import logging
from collections.abc import Iterator

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.identity.apikeys import Scope, new_key
from chat.ops import logs
from chat.ops.logs import ConsoleFormatter, JsonFormatter, Redactor
from chat.settings import Settings

SECRET = 'a "quoted" secret of the tests, long enough'
TOKEN = jwt.encode({"sub": "ann", "exp": 1}, SECRET, algorithm="HS256")
URL = "redis://user:pass-word@cache:6379/0"


@pytest.fixture(params=["json", "console"])
def output(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root.handlers = []
    logs.setup(Settings(log_format=request.param, jwt_secret=SECRET, redis_url=URL), worker_id="w1")
    yield stream
    root.handlers, root.level = handlers, level
    logging.getLogger("websockets").setLevel(logging.NOTSET)


def fail(text: str) -> None:
    raise RuntimeError(text)


def leak(exc: bool) -> None:
    log = logging.getLogger("test")
    if not exc:
        log.info("url %s token %s %s", URL, TOKEN, SECRET, extra={"token": TOKEN, "n": {1: URL}})
        return
    try:
        fail(f"{TOKEN} {URL} {SECRET}")
    except RuntimeError:
        log.exception("it failed")


@pytest.mark.parametrize("exc", [False, True])
def test_no_secret_comes_out_of_message_field_or_traceback(output: io.StringIO, exc: bool) -> None:
    leak(exc)
    text = output.getvalue()
    assert "[redacted]" in text
    assert "w1" in text
    for secret in (TOKEN, TOKEN.split(".")[1], TOKEN.split(".")[2], "pass-word", "quoted"):
        assert secret not in text


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4),
    st.text("abcXYZ019-_.%=&/ ", max_size=20),
    st.text("abcXYZ019-_.%=&/ ", max_size=20),
)
def test_a_token_is_redacted_wherever_it_stands(
    claims: dict[str, str], before: str, after: str
) -> None:
    token = jwt.encode({"c": claims}, SECRET, algorithm="HS256")
    payload, signature = token.split(".")[1:]
    redacted = Redactor()(f"{before}{token}{after}")
    assert payload not in redacted
    assert signature not in redacted


@given(st.text("abcXYZ019=&/ ", max_size=20), st.text("=&/ ", max_size=20))
def test_an_api_key_is_redacted_wherever_it_stands(before: str, after: str) -> None:
    key, entry = new_key([Scope.READ], ["*"])
    secret = key.partition(entry.id)[2]
    assert secret not in Redactor()(f"{before}{key}{after}")


def test_what_is_no_secret_stays() -> None:
    for text in (
        "redis://cache:6379/0",
        "unix:///run/redis.sock",
        "room journey, user eyes, event",
        "http://a/b@c",
    ):
        assert Redactor()(text) == text
    assert Redactor()("redis://:p@ss@cache/0") == "redis://[redacted]@cache/0"
    assert Redactor()("/ws?token=abc&room=1") == "/ws?token=[redacted]&room=1"


def test_json_is_one_object_a_line_with_its_fields() -> None:
    record = logging.makeLogRecord(
        {
            "name": "chat.x",
            "levelname": "WARNING",
            "msg": "two\nlines %d",
            "args": (1,),
            "room": "r",
        }
    )
    line = JsonFormatter(Redactor(), {"worker": "w"}).format(record)
    values = json.loads(line)
    assert "\n" not in line
    assert values.pop("time").endswith("+00:00")
    assert values == {
        "level": "warning",
        "logger": "chat.x",
        "message": "two\nlines 1",
        "worker": "w",
        "room": "r",
    }


def test_a_field_cannot_replace_what_every_record_has() -> None:
    record = logging.makeLogRecord({"msg": "real", "level": "fake", "time": "fake"})
    values = json.loads(JsonFormatter(Redactor(), {}).format(record))
    assert values["level"] != "fake"
    assert values["time"] != "fake"


def test_console_shows_fields_after_the_sentence() -> None:
    record = logging.makeLogRecord({"levelname": "INFO", "msg": "room trimmed", "room": "r"})
    assert ConsoleFormatter(Redactor(), {}).format(record).endswith("info    room trimmed room=r")
