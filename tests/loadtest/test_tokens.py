"""Tokens: signed as the deployment expects, with a key that only the environment knows."""

from pathlib import Path
from typing import Any

import jwt
import pytest

from loadtest.agent.tokens import Ready, TokensError, find_tokens
from tests.support.tokens import SECRET


def claims(environment: dict[str, str]) -> dict[str, Any]:
    token = find_tokens(environment, "load", 60.0, 0, 10).token(3, "load-u3")
    found: dict[str, Any] = jwt.decode(token, SECRET, ["HS256"], options={"verify_aud": False})
    return found


def test_a_token_says_who_may_do_what_and_for_how_long() -> None:
    found = claims({"CHAT_JWT_SECRET": SECRET})
    assert found["sub"] == "load-u3"
    assert found["rooms"] == {"load-*": ["join", "publish"]}
    assert 60 <= found["exp"] - found["iat"] <= 70


def test_issuer_and_audience_are_those_of_the_deployment() -> None:
    environment = {"CHAT_JWT_SECRET": SECRET, "CHAT_JWT_ISSUER": "me", "CHAT_JWT_AUDIENCE": "you"}
    found = claims(environment)
    assert (found["iss"], found["aud"]) == ("me", "you")


def test_the_key_may_be_in_a_file_and_one_for_load_tests_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET + "\n")
    assert claims({"LOADTEST_JWT_SECRET_FILE": str(file), "CHAT_JWT_SECRET": "another"})


def test_ready_tokens_are_handed_out_by_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("".join(f"token-{number}\n" for number in range(10)))
    environment = {"LOADTEST_TOKENS_FILE": str(file)}
    assert find_tokens(environment, "load", 60.0, 4, 6).token(5, "load-u5") == b"token-5"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "no key to sign tokens with"),
        ({"CHAT_JWT_SECRET_FILE": "/no/such"}, "/no/such cannot be read"),
        ({"LOADTEST_TOKENS_FILE": "/no/such"}, "/no/such cannot be read"),
    ],
)
def test_what_is_missing_is_said(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(TokensError, match=sentence):
        find_tokens(environment, "load", 60.0, 0, 1)


def test_too_few_ready_tokens_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("a\nb\n")
    with pytest.raises(TokensError, match="has 2 tokens and 3 are needed"):
        Ready(file, 0, 3)
