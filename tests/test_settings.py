"""Settings: refused with a sentence, handed on unchanged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from chat.settings import (
    SECRETS,
    Settings,
    SettingsError,
    describe,
    from_environ,
    is_given,
    to_environ,
    variable,
)


def test_every_setting_has_a_variable_a_default_and_a_sentence() -> None:
    rows = describe()
    assert [name for name, _, _ in rows] == [variable(f.name) for f in structs.fields(Settings)]
    assert all(sentence for _, _, sentence in rows)


def test_the_defaults_are_valid_and_other_variables_are_ignored() -> None:
    assert from_environ({"PATH": "/bin", "CHATTER": "1"}) == Settings()


@hypothesis_settings(deadline=None)
@given(
    st.builds(
        Settings,
        port=st.integers(0, 65535),
        compression=st.booleans(),
        jwt_leeway_s=st.floats(0, 300),
        user_messages_per_s=st.floats(0, 1e6),
        redis_url=st.text(st.characters(blacklist_characters="\0", codec="utf-8")),
        log_format=st.sampled_from(["json", "console"]),
        local_mode=st.booleans(),
    )
)
def test_a_child_process_gets_equal_settings(settings: Settings) -> None:
    assert from_environ(to_environ(settings)) == settings


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"CHAT_PORT": "70000"}, "CHAT_PORT: '70000' is wrong"),
        ({"CHAT_PORT": ""}, "CHAT_PORT: '' is wrong"),
        ({"CHAT_WORKERS": "0"}, "CHAT_WORKERS"),
        ({"CHAT_LOG_FORMAT": "xml"}, "CHAT_LOG_FORMAT"),
        ({"CHAT_DRAIN_TIMEOUT": "nan"}, "CHAT_DRAIN_TIMEOUT"),
        ({"CHAT_COLOR": "red"}, "CHAT_COLOR is not a setting"),
        ({"CHAT_STREAM_TTL": "10"}, "CHAT_STREAM_TTL must be at least CHAT_HISTORY_TTL"),
        ({"CHAT_LEASE_INTERVAL": "9"}, "CHAT_LEASE_INTERVAL must be at most half"),
        ({"CHAT_OUTBOUND_HIGH_WATER_BYTES": "9999999"}, "CHAT_OUTBOUND_HIGH_WATER_BYTES"),
        ({"CHAT_REDIS_PROBE_TIMEOUT": "1"}, "CHAT_REDIS_PROBE_TIMEOUT"),
        ({"CHAT_LOCAL_API_PORT": "8090"}, "CHAT_LOCAL_API_PORT is for CHAT_LOCAL_MODE"),
        ({"CHAT_JWT_SECRET": "short"}, "CHAT_JWT_SECRET must have at least 32 bytes"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        from_environ(environ)
    assert sentence in str(caught.value)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"CHAT_PORT.*CHAT_WORKERS"):
        from_environ({"CHAT_PORT": "x", "CHAT_WORKERS": "x"})


def test_a_wrong_secret_is_not_repeated() -> None:
    for name in SECRETS:
        with pytest.raises(SettingsError) as caught:
            from_environ({variable(name): "geheim", "CHAT_PORT": "x"})
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_comes_out_of_a_file(tmp_path: Path, name: str, end: str) -> None:
    secret = "geheim, with a blank at its end and at least 32 bytes "
    (tmp_path / "secret").write_bytes(f"{secret}{end}".encode())

    environ = {f"{variable(name)}_FILE": str(tmp_path / "secret")}

    assert getattr(from_environ(environ), name) == secret
    assert is_given(environ, name)
    assert not is_given({}, name)


def test_a_child_process_gets_the_secret_and_not_the_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://cache:6379/0\n")
    settings = from_environ({"CHAT_REDIS_URL_FILE": str(tmp_path / "url")})
    (tmp_path / "url").unlink()

    assert from_environ(to_environ(settings)) == settings


def test_a_secret_and_its_file_together_are_refused(tmp_path: Path) -> None:
    environ = {"CHAT_JWT_SECRET": "geheim" * 8, "CHAT_JWT_SECRET_FILE": str(tmp_path / "secret")}
    with pytest.raises(SettingsError, match="CHAT_JWT_SECRET_FILE are both given") as caught:
        from_environ(environ)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"", "empty"), (b"\n", "empty"), (b"\xff\xfe", "UTF-8")],
)
def test_a_secret_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=why) as caught:
        from_environ({"CHAT_REDIS_URL_FILE": str(path)})
    assert f"CHAT_REDIS_URL_FILE: {path}: " in str(caught.value)


def test_only_secrets_can_be_in_files() -> None:
    with pytest.raises(SettingsError, match="CHAT_PORT_FILE is not a setting"):
        from_environ({"CHAT_PORT_FILE": "/run/port"})
