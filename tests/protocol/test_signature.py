"""Signatures: those of the specification, and what is no secret."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.signature import SecretError, make_secret, parse_secrets, signed


def test_a_signature_is_that_of_the_specification() -> None:
    """The example that libraries for the specification test themselves with."""
    keys = parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    fields = signed(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert fields == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_make_two_signatures() -> None:
    old, new = make_secret(), make_secret()

    def signature(text: str) -> str:
        return signed(parse_secrets(text), "msg_1", 1, b"{}")["webhook-signature"]

    assert signature(f"{old}\n{new}\n").split() == [signature(old), signature(new)]


def test_made_secrets_differ_and_can_be_used() -> None:
    assert make_secret() != make_secret()
    assert len(parse_secrets(make_secret())[0]) == 32


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_back(secret: bytes) -> None:
    assert parse_secrets("whsec_" + base64.b64encode(secret).decode()) == (secret,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there are 0"),
        (" ".join([make_secret()] * 3), "there are 3"),
        ("secret", "begins with whsec_"),
        ("whsec_not-base64", "not base64"),
        ("whsec_%%%%", "not base64"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "this one 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "this one 65"),
    ],
)
def test_what_is_no_secret_is_refused_without_repeating_it(text: str, why: str) -> None:
    with pytest.raises(SecretError, match=why) as caught:
        parse_secrets(text)
    assert "%%%%" not in str(caught.value)
