"""What `--local` fills in, and what one process of a run finds of the other."""

from pathlib import Path

import pytest
from msgspec import structs

from chat.settings import Settings, SettingsError, from_environ, to_environ
from chat.supervisor.local_run import API_OPS_PORT, LocalRun
from tests.supervisor.test_cli import chat, refusal

URL = "unix:///somewhere/redis.sock"


@pytest.fixture
def run(tmp_path: Path) -> LocalRun:
    return LocalRun(tmp_path / "data")


def test_the_key_stays_over_a_restart_and_is_for_its_owner_only(
    run: LocalRun, tmp_path: Path
) -> None:
    first = run.for_workers(Settings())
    again = LocalRun(tmp_path / "data").for_workers(Settings())
    assert len(first.jwt_secret) >= 32
    assert first == again
    assert first.local_mode
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o077 == 0


def test_two_folders_have_two_keys(run: LocalRun, tmp_path: Path) -> None:
    other = LocalRun(tmp_path / "other")
    assert run.for_workers(Settings()).jwt_secret != other.for_workers(Settings()).jwt_secret


def test_the_http_side_serves_the_cluster_of_the_workers(run: LocalRun, tmp_path: Path) -> None:
    workers = run.for_workers(Settings())
    run.started(URL)
    api = run.for_api(Settings(), {})
    assert (api.jwt_secret, api.redis_url) == (workers.jwt_secret, URL)
    assert api.ops_port == API_OPS_PORT != workers.ops_port
    assert api.api_drain_delay == 0.0, "Ctrl-C ends it at once"
    assert not api.local_mode
    assert Path(api.api_keys_file) == tmp_path / "data" / "api-keys"
    assert Path(api.upload_store) == tmp_path / "data" / "files"
    assert Path(api.api_keys_file).stat().st_mode & 0o077 == 0


def test_the_http_side_of_the_run_keeps_files_and_keys_in_the_folder(
    run: LocalRun, tmp_path: Path
) -> None:
    workers = structs.replace(run.for_workers(Settings()), local_api_port=8123)
    api = from_environ(to_environ(workers) | run.environ_of_api(workers))
    assert Path(api.api_keys_file) == tmp_path / "data" / "api-keys"
    assert Path(api.upload_store) == tmp_path / "data" / "files"
    assert (api.jwt_secret, api.api_drain_delay) == (workers.jwt_secret, 0.0)
    assert not api.local_mode
    assert not api.local_api_port


def test_what_is_set_is_left_alone(run: LocalRun, tmp_path: Path) -> None:
    secret = "s" * 32
    given = Settings(
        jwt_secret=secret,
        redis_url=URL,
        ops_port=1,
        api_keys_file="keys",
        upload_store="/files",
    )
    assert run.for_workers(given).jwt_secret == secret
    environ = {"CHAT_REDIS_URL": URL, "CHAT_OPS_PORT": "1", "CHAT_API_DRAIN_DELAY": "3"}
    assert run.for_api(given, environ) == given
    assert "CHAT_UPLOAD_STORE" not in run.environ_of_api(given)
    assert list((tmp_path / "data").iterdir()) == [], "what is given is written nowhere"


def test_what_is_not_in_force_any_more_is_not_found(run: LocalRun) -> None:
    run.for_workers(Settings())
    run.started(URL)
    run.for_workers(Settings(jwt_secret="s" * 32))
    with pytest.raises(SettingsError, match="CHAT_JWT_SECRET"):
        run.for_api(Settings(), {})
    run.started(None)
    with pytest.raises(SettingsError, match="CHAT_REDIS_URL"):
        run.for_api(Settings(jwt_secret="s" * 32), {})


def test_who_lets_a_site_in_keeps_the_own_page(run: LocalRun) -> None:
    assert run.for_workers(Settings()).allowed_origins == ""
    listed = run.for_workers(Settings(port=8123, allowed_origins="https://mine.example"))
    assert listed.allowed_origins.split(",") == [
        "https://mine.example",
        "http://localhost:8123",
        "http://127.0.0.1:8123",
    ]


def test_an_http_side_without_a_run_says_what_to_start(run: LocalRun, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="make run"):
        run.for_api(Settings(), {})
    line = refusal(chat("api", "--local", "--data-dir", str(tmp_path / "data")))
    assert "`make run`" in line
    assert str(tmp_path / "data") in line


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="Cannot use the data folder"):
        LocalRun(tmp_path / "file").for_workers(Settings())
