"""The `chat` command as a person runs it."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from tests.support.ports import listening_socket, port_of, unused_port
from tests.support.tokens import SECRET
from tests.support.worker import environment

REPOSITORY = Path(__file__).resolve().parents[2]


def chat(*arguments: str, **settings: str | int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chat", *arguments],
        env=environment(settings),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error of a command that refused its settings."""
    assert done.returncode == 78, done
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


def test_asyncapi_prints_the_description_of_the_protocol() -> None:
    done = chat("asyncapi")
    assert done.returncode == 0
    assert done.stdout == (REPOSITORY / "docs" / "asyncapi.json").read_text(), "run `make docs`"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["up"],
        ["worker"],
        ["api"],
        ["nodes"],
        ["token"],
        ["settings"],
        ["front"],
        ["front", "servers"],
        ["join"],
        ["asyncapi"],
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = chat(*command, "--help")
    assert done.returncode == 0
    assert "usage: chat" in done.stdout
    assert not command or "examples:" in done.stdout


@pytest.mark.parametrize("command", ["up", "worker", "api", "settings"])
def test_a_wrong_setting_is_one_sentence_and_78(command: str) -> None:
    line = refusal(chat(command, port="seventy"))
    assert line.startswith("chat: CHAT_PORT: 'seventy' is wrong: ")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("trusted_proxies", "foo"), ("redis_url", "foo"), ("redis_url", "redis://h:99999/0")],
)
def test_a_setting_that_only_its_user_can_judge_is_refused_too(setting: str, value: str) -> None:
    line = refusal(chat("worker", port=unused_port(), ops_port=unused_port(), **{setting: value}))
    assert line.startswith(f"chat: CHAT_{setting.upper()}")


def test_an_unknown_setting_is_one_sentence() -> None:
    assert "CHAT_PROT is not a setting" in refusal(chat("up", prot=1))


def test_a_busy_port_is_one_sentence() -> None:
    with listening_socket() as taken:
        port, free = port_of(taken), unused_port()
        assert f"port {port}" in refusal(chat("up", port=port, ops_port=free))
        assert "CHAT_OPS_PORT" in refusal(chat("up", port=free, ops_port=port))


def test_local_mode_is_for_this_machine_only() -> None:
    assert "loopback" in refusal(chat("up", "--local", host="0.0.0.0"))


def test_token_prints_only_a_token_that_the_configured_key_verifies() -> None:
    pytest.importorskip("chat.identity.tokens")
    done = chat("token", "--user", "ann", "--name", "Ann", "--room", "news-*=join", "--ttl", "60")
    assert done.returncode == 0, done.stderr
    [token] = done.stdout.splitlines()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["sub"] == "ann"
    assert 0 < claims["exp"] - time.time() <= 61
    assert claims["rooms"] == {"news-*": ["join"]}


def test_api_key_prints_a_key_and_its_line_for_the_file() -> None:
    done = chat("api-key", "--scope", "publish,read", "--room", "news-*", "--note", "cms")
    assert done.returncode == 0, done.stderr
    key, line = done.stdout.splitlines()
    entry = json.loads(line)
    assert entry["sha256"] == hashlib.sha256(key.encode()).hexdigest()
    assert entry["scopes"] == ["publish", "read"]
    assert (entry["rooms"], entry["note"]) == (["news-*"], "cms")


def test_api_key_adds_to_a_file_and_prints_the_key_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    for number in (1, 2):
        done = chat("api-key", "--scope", "statistics", "--file", str(file))
        [key] = done.stdout.splitlines()
        lines = file.read_text().splitlines()
        assert len(lines) == number
        assert key not in lines[-1]
        assert json.loads(lines[-1])["id"] in key


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--scope", "fly"), 2, "publish, read, tokens, statistics, moderate"),
        ((), 2, "--scope"),
        (("--scope", "read"), 1, "--room"),
        (("--scope", "read", "--room", "*", "--file", "/nowhere/keys"), 1, "No such file"),
    ],
)
def test_api_key_refuses_with_a_sentence(
    arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = chat("api-key", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr


def test_token_signs_with_the_first_private_key_of_the_keys_file(tmp_path: Path) -> None:
    pytest.importorskip("chat.identity.tokens")
    private = generate_private_key(SECP256R1())
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    entries = [
        json.loads(algorithm.to_jwk(private.public_key())) | {"kid": "public"},
        json.loads(algorithm.to_jwk(private)) | {"kid": "private"},
    ]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": entries}))
    done = chat("token", "--user", "ann", jwt_secret="", jwt_keys_file=str(path))
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    assert jwt.get_unverified_header(token)["kid"] == "private"
    assert jwt.decode(token, private.public_key(), algorithms=["ES256"])["sub"] == "ann"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{}", "not a JWKS"),
        ("x", "not JSON"),
        ('{"keys": [{"kty": "oct", "alg": "HS256"}]}', "CHAT_JWT_KEYS_FILE"),
        ('{"keys": [{"kty": "RSA", "n": "x", "e": "AQAB"}]}', "public keys only"),
    ],
)
def test_token_with_a_wrong_keys_file_is_one_sentence(
    tmp_path: Path, content: str, why: str
) -> None:
    pytest.importorskip("chat.identity.tokens")
    path = tmp_path / "keys.json"
    path.write_text(content)
    assert why in refusal(chat("token", "--user", "a", jwt_secret="", jwt_keys_file=str(path)))


@pytest.mark.parametrize("room", ["news", "news=", "=join", "news=fly", "news=join,"])
def test_token_refuses_a_room_it_does_not_understand(room: str) -> None:
    done = chat("token", "--user", "ann", "--room", room)
    assert done.returncode == 2
    assert "PATTERN=join,publish" in done.stderr


def test_settings_shows_what_is_in_force_and_no_secret() -> None:
    url = "redis://:the-password@cache:6379/0"
    done = chat("settings", redis_url=url, workers=7)
    assert done.returncode == 0
    assert "CHAT_WORKERS" in done.stdout
    assert SECRET not in done.stdout
    assert "the-password" not in done.stdout
    marked = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("* CHAT_")}
    assert marked == {"CHAT_REDIS_URL", "CHAT_JWT_SECRET", "CHAT_WORKERS"}
