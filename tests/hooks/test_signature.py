"""Signatures are those of the specification's own example, and secrets are held to its form."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.hooks.signature import secret_of, signed

#: The example of the Standard Webhooks specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_specification_is_signed_as_there() -> None:
    fields = signed([secret_of(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)
    assert fields == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_in_a_rotation_a_post_is_signed_with_every_secret() -> None:
    both = signed([b"a" * 24, b"b" * 24], "m", 1, b"")["webhook-signature"].split(" ")
    assert both == [
        signed([secret], "m", 1, b"")["webhook-signature"] for secret in (b"a" * 24, b"b" * 24)
    ]


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_back(secret: bytes) -> None:
    assert secret_of("whsec_" + base64.b64encode(secret).decode()) == secret


@pytest.mark.parametrize(
    "text",
    ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_%%%%", "whsec_c2hvcnQ="],
)
def test_a_secret_of_another_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"secret|base64") as refused:
        secret_of(text)
    assert not text or text not in str(refused.value)
