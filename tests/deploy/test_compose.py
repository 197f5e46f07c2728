"""docker-compose.yml and the Dockerfile, read and linted; tests/containers runs them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import AuthenticationError, Redis

from chat.identity.apikeys import read_entries
from chat.ops.tables import PAGES
from chat.settings import PREFIX, Settings, from_environ
from tests.support.redis_server import RedisServer
from tests.support.worker import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def tool(name: str) -> str:
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        pytest.skip(f"needs {name}: `make containers-system` installs it")
    return str(found)


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_dockerfile_is_clean() -> None:
    run(tool("hadolint"), "Dockerfile")


def test_the_stack_is_valid_with_all_its_profiles() -> None:
    profiles = [f"--profile={name}" for name in ("monitoring", "load", "webhooks")]
    run(tool("docker-compose"), *profiles, "config", "--quiet")


def test_every_variable_of_the_stack_is_in_the_example_with_its_default() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    used = dict(re.findall(r"\$\{(STACK_\w+):-([^}]*)\}", text))
    example = (REPOSITORY / "deploy" / "compose" / "example.env").read_text()
    written = dict(re.findall(r"^(STACK_\w+)=(.*)$", example, re.MULTILINE))
    assert written == used


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


def test_only_haproxy_publishes_ports_and_by_default_to_this_host() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["haproxy"]
    for port in SERVICES["haproxy"]["ports"]:
        assert DEFAULT.sub(r"\1", port).startswith("127.0.0.1:")


def test_redis_and_haproxy_share_no_network() -> None:
    assert SERVICES["redis"]["networks"] == ["back"]
    assert SERVICES["haproxy"]["networks"] == ["front"]
    assert COMPOSE["networks"]["back"]["internal"] is True


@pytest.mark.parametrize("name", ["worker", "api", "hooks"])
def test_a_drain_fits_into_the_grace_period(name: str) -> None:
    grace_s = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    assert grace_s >= Settings().drain_timeout + 5


@pytest.mark.parametrize("name", ["worker", "api"])
def test_its_settings_exist_and_the_files_they_name_are_its_secrets(name: str) -> None:
    given = SERVICES[name]["environment"]
    plain = {name: DEFAULT.sub(r"\1", value) for name, value in given.items()}
    assert all(name.startswith(PREFIX) for name in plain)
    files = {name: value for name, value in plain.items() if name.endswith("_FILE")}
    page = PAGES["settings.md"]()
    assert all(f"`{name}`" in page for name in files)
    from_environ({name: value for name, value in plain.items() if name != "CHAT_REDIS_URL_FILE"})
    secrets = SERVICES[name]["secrets"]
    assert sorted(files.values()) == sorted(f"/run/secrets/{secret}" for secret in secrets)


def test_webhooks_have_their_endpoints_and_all_processes_know_that_there_are_some() -> None:
    hooks = SERVICES["hooks"]
    assert hooks["profiles"] == ["webhooks"]
    assert hooks["environment"]["CHAT_WEBHOOKS_FILE"] == "/run/secrets/webhooks.toml"
    assert {"webhooks.toml", "webhook-secret"} <= set(hooks["secrets"])
    for name in ("worker", "api", "hooks"):
        assert SERVICES[name]["environment"]["CHAT_WEBHOOKS"] == "${STACK_WEBHOOKS:-false}"


def test_only_the_http_side_has_the_keys_of_back_ends() -> None:
    assert [name for name, of in SERVICES.items() if "api-keys" in of.get("secrets", [])] == ["api"]


def test_every_secret_is_a_file_that_make_secrets_makes(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    script = str(REPOSITORY / "deploy" / "make-secrets.sh")
    run(script, str(tmp_path / "secrets"))
    made = {path.name for path in (tmp_path / "secrets").iterdir()}

    assert made == COMPOSE["secrets"].keys() | {"certs"}
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"${{STACK_SECRETS:-./deploy/secrets}}/{name}"}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert read_entries(tmp_path / "secrets" / "api-keys") == []

    before = {path: path.read_text() for path in (tmp_path / "secrets").rglob("*.*")}
    run(script, str(tmp_path / "secrets"))
    assert {path: path.read_text() for path in before} == before


@pytest.mark.slow
def test_redis_keeps_what_scripts_wrote_over_a_restart_with_the_users_that_are_made(
    tmp_path: Path,
) -> None:
    """A file is replayed as the user `default`, and transactions in it are checked against that."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    run(str(REPOSITORY / "deploy" / "make-secrets.sh"), str(tmp_path))
    password = (tmp_path / "redis-url").read_text().partition("@")[0].rpartition(":")[2]
    script = "redis.call('SET', KEYS[1], 1) redis.call('SET', KEYS[2], 2)"
    acl = str(tmp_path / "redis.acl")
    with RedisServer(user="chat", password=password, aclfile=acl) as redis:
        redis.run("EVAL", script, 2, "chat:{room}:a", "chat:{room}:b")
        redis.restart()
        assert redis.run("MGET", "chat:{room}:a", "chat:{room}:b") == ["1", "2"]
        stranger = Redis(unix_socket_path=str(redis.socket_path))
        with stranger, pytest.raises(AuthenticationError):
            stranger.get("chat:{room}:a")


def test_made_secrets_are_never_the_same_twice(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    for folder in ("one", "two"):
        run(str(REPOSITORY / "deploy" / "make-secrets.sh"), str(tmp_path / folder))
    for path in (tmp_path / "one").iterdir():
        if path.is_file() and path.name not in ("api-keys", "webhooks.toml"):  # there is none
            assert path.read_text() != (tmp_path / "two" / path.name).read_text()


def test_secrets_are_in_no_commit_and_in_no_image() -> None:
    assert "deploy/secrets/" in (REPOSITORY / ".gitignore").read_text().splitlines()
    assert (REPOSITORY / ".dockerignore").read_text().splitlines()[1] == "*"


@pytest.mark.parametrize("path", sorted((REPOSITORY / "deploy").glob("requirements*.lock")))
def test_pinned_packages_have_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    pinned = re.findall(r"^([\w-]+)==\S+(?: ;.*)? \\$", text, re.MULTILINE)
    assert pinned
    assert len(re.findall(r"^[\w-]", text, re.MULTILINE)) == len(pinned)
    assert text.count("\\\n    --hash=sha256:") >= len(pinned)
    assert "://" not in text


def test_every_dependency_is_pinned() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    dependencies = project.partition("\ndependencies = [")[2].partition("]\n\n")[0]
    names = set(re.findall(r'^  "([\w-]+)', dependencies, re.MULTILINE))
    locked = (REPOSITORY / "deploy" / "requirements.lock").read_text()
    assert len(names) >= 8
    assert names <= set(re.findall(r"^([\w-]+)==", locked, re.MULTILINE)), "run `make lock`"
