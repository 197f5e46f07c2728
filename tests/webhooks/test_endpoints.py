"""The file of endpoints, and what `chat hooks --check` says of it."""

from pathlib import Path

import pytest

from chat.cli import main
from chat.protocol.signature import make_secret
from chat.settings import Settings, SettingsError
from chat.webhooks.endpoints import read_endpoints
from chat.webhooks.kinds import KINDS

GOOD = """\
[[endpoint]]
name = "crm"
url = "https://crm.example/hooks/chat"
secret_file = "secret"
rooms = ["support-*", "lobby"]
events = ["message_*", "chat_message"]

[[endpoint]]
name = "audit"
url = "http://127.0.0.1:9000/"
secret_file = "secret"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(make_secret())
    path = tmp_path / "webhooks.toml"
    path.write_text(GOOD)
    return path


def settings(path: Path) -> Settings:
    return Settings(webhooks=True, webhooks_file=str(path))


def test_endpoints_are_as_the_file_says(file: Path) -> None:
    crm, audit = read_endpoints(settings(file))
    assert crm.kinds == {"chat_message", "message_edited", "message_deleted"}
    assert crm.wants_room("support-7")
    assert crm.wants_room("lobby")
    assert not crm.wants_room("other")
    assert not crm.wants_logged
    assert audit.kinds == set(KINDS)
    assert audit.wants_room("other")
    assert audit.wants_logged


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[[endpoint]]", "[[endpoint", "webhooks.toml"),
        ('name = "crm"', 'name = "CRM"', "a-z, 0-9"),
        ('name = "crm"', 'name = "audit"', "the same name"),
        ('name = "crm"', 'name = "crm"\ncolour = "red"', "colour"),
        ("https://crm", "ftp://crm", "http:// and name a host"),
        ("https://crm", "https://me:word@crm", "must not hold a password"),
        ("hooks/chat", "#part", "#fragment"),
        ("crm.example", "crm.example:x", "endpoint 'crm'"),
        ('"chat_message"', '"chat_mesage"', "'chat_mesage' is no event; there are chat_message"),
        ('rooms = ["support-*", "lobby"]', "rooms = []", "have to name something"),
        ('secret_file = "secret"', 'secret_file = "other"', "other: No such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(file: Path, old: str, new: str, why: str) -> None:
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SettingsError) as caught:
        read_endpoints(settings(file))
    assert why in str(caught.value)
    assert "word" not in str(caught.value).replace("password", "")


def test_a_single_endpoint_needs_no_file_but_a_secret() -> None:
    one = Settings(webhooks=True, webhook_url="https://crm.example", webhook_secret=make_secret())
    assert [endpoint.name for endpoint in read_endpoints(one)] == ["default"]
    with pytest.raises(SettingsError, match="CHAT_WEBHOOK_SECRET"):
        read_endpoints(Settings(webhooks=True, webhook_url="https://crm.example"))
    with pytest.raises(SettingsError, match="no endpoint"):
        read_endpoints(Settings(webhooks=True))


def test_a_secret_that_cannot_be_read_leaves_the_old_one_in_force(file: Path) -> None:
    endpoint = read_endpoints(settings(file))[0]
    before = endpoint.secrets
    (file.parent / "secret").write_text("nonsense")
    endpoint.look()
    assert endpoint.secrets == before
    (file.parent / "secret").write_text(make_secret() + "\n" + make_secret())
    endpoint.look()
    assert len(endpoint.secrets) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "https://a.example", "webhooks_file": "f", "webhooks": True},
        {"webhook_url": "https://a.example"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"WEBHOOK|webhooks"):
        Settings(**wrong)  # type: ignore[arg-type]


def test_check_shows_the_endpoints_and_no_secret(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_WEBHOOKS", "true")
    monkeypatch.setenv("CHAT_WEBHOOKS_FILE", str(file))
    assert main(["hooks", "--check"]) == 0
    shown = capsys.readouterr().out
    assert "crm  https://crm.example/hooks/chat  1 secret\n  rooms: support-*, lobby\n" in shown
    assert "whsec_" not in shown
    file.write_text(GOOD.replace("support", "b\x00d"))
    assert main(["hooks", "--check"]) == 78
    assert "CHAT_WEBHOOKS_FILE" in capsys.readouterr().err


def test_a_secret_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hooks", "--secret"]) == 0
    assert capsys.readouterr().out.startswith("whsec_")
