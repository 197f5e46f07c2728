"""Tokens: which are accepted, which are refused and with what reason."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from chat.identity.access import Action
from chat.identity.keys import KeyRing
from chat.identity.tokens import InvalidTokenError, Verifier, mint
from chat.settings import Settings
from tests.identity.key_material import EC, ED, OCT, RSA, SECRET, Pair, jwks

NOW_S = int(time.time())
LATER_S = 36_000  # a whole run of all tests later, and no longer than a token may live
ROOMS = {"*": ["join", "publish"]}


def verifier(**settings: Any) -> Verifier:
    made = Settings(**({"jwt_secret": SECRET} | settings))
    return Verifier(made, KeyRing.from_settings(made))


def signed(key: Any = SECRET, algorithm: str = "HS256", headers: Any = None, **claims: Any) -> str:
    """Sign claims over the usual ones; a claim of `...` is left out."""
    full = {"sub": "ann", "exp": NOW_S + LATER_S, "rooms": ROOMS} | claims
    present = {name: value for name, value in full.items() if value is not ...}
    return jwt.encode(present, key, algorithm, headers=headers)


def raw(header: Any, claims: Any = None, signature: bytes = b"x") -> str:
    """Put a token together by hand, to hold what no library would sign."""
    parts = [json.dumps(part).encode() for part in (header, claims or {"sub": "ann"})]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature)
    )


def refusal(token: str, **settings: Any) -> str:
    with pytest.raises(InvalidTokenError) as refused:
        verifier(**settings).verify(token)
    reason = str(refused.value)
    assert token not in reason
    assert len(reason.encode()) <= 123, "the reason has to fit a close frame"
    return reason


def keys_file(tmp_path: Any, *keys: dict[str, Any]) -> dict[str, Any]:
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(*keys))
    return {"jwt_keys_file": str(path), "jwt_secret": ""}


def test_a_token_tells_who_until_when_and_what_is_allowed():
    identity = verifier().verify(signed(user={"name": "Ann"}))
    assert (identity.user_id, identity.user) == ("ann", {"name": "Ann"})
    assert identity.expires_at_s == NOW_S + LATER_S
    assert identity.capabilities.allows("qa", Action.PUBLISH)
    assert not identity.capabilities.allows("qa", Action.MODERATE)


@pytest.mark.parametrize("pair", [RSA, EC, ED, OCT], ids=lambda pair: pair.algorithm)
def test_every_algorithm_of_the_allow_list_verifies(pair: Pair, tmp_path):
    token = mint(pair.private, pair.algorithm, "ann", ttl_s=60, rooms=ROOMS, kid="k")
    made = verifier(**keys_file(tmp_path, pair.jwk("k")))
    assert made.verify(token).user_id == "ann"
    head, claims, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    with pytest.raises(InvalidTokenError, match="signature"):
        made.verify(f"{head}.{claims}.{signature[:10]}{other}{signature[11:]}")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": ...}, "exp"),
        ({"sub": ...}, "sub"),
        ({"exp": NOW_S - 60}, "expired"),
        ({"exp": True}, ""),
        ({"exp": str(NOW_S + LATER_S)}, "exp"),
        ({"exp": "soon"}, ""),
        ({"exp": [1]}, ""),
        ({"exp": None}, "exp"),
        ({"exp": 10**18}, "longer"),
        ({"exp": 10**400}, "longer"),
        ({"exp": float("inf")}, ""),
        ({"exp": float("nan")}, ""),
        ({"exp": NOW_S + 200_000}, "longer"),
        ({"nbf": NOW_S + LATER_S}, "not valid yet"),
        ({"iat": NOW_S + LATER_S}, "not valid yet"),
        ({"iat": "x"}, ""),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a" * 129}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": "a\u202eb"}, "sub"),
        ({"sub": "\ud800"}, "sub"),
        ({"user": "Ann"}, "user"),
        ({"user": {"name": "x" * 512}}, "user"),
        ({"user": {"n": 2**70}}, "user"),
        ({"user": {"n": "\ud800"}}, "user"),
        ({"rooms": []}, "rooms"),
        ({"rooms": {"*": ["all"]}}, "rooms"),
        ({"rooms": {"\ud800": "join"}}, "rooms"),
        ({"aud": "elsewhere"}, "audience"),
    ],
)
def test_a_wrong_claim_is_refused_with_a_reason(claims, reason):
    assert reason in refusal(signed(**claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS512"},
        {"alg": ""},
        {"alg": []},
        {"alg": {}},
        {"alg": None},
        {"alg": 1},
        {},
        [],
        "HS256",
        {"alg": "HS256", "kid": 1},
        {"alg": "HS256", "kid": None},
        {"alg": "HS256", "kid": ["k"]},
        {"alg": "HS256", "crit": ["x"], "x": 1},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
    ],
)
def test_a_hostile_header_is_refused(header):
    refusal(raw(header))
    refusal(raw(header, signature=b""))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", "é.é.é", "\ud800", "\x00", "e30" * 5000, "=.=.="]
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(InvalidTokenError):
        verifier().verify(token)


@given(st.text() | st.lists(st.text(alphabet="eyJ0AQg_-9"), max_size=4).map(".".join))
@example("eyJhbGciOiJIUzI1NiJ9..")
@example("eyJhbGciOiJIUzI1NiJ9.\ud800.x")
def test_no_text_makes_the_verifier_fail_in_another_way(token):
    with pytest.raises(InvalidTokenError):
        verifier().verify(token)


def test_an_unsigned_token_is_refused():
    token = jwt.encode({"sub": "ann", "exp": NOW_S + LATER_S}, None, "none")  # type: ignore[arg-type]
    assert "algorithm" in refusal(token)


def test_a_public_key_is_never_taken_for_a_secret(tmp_path):
    """Key confusion: the attacker signs with HS256 and the public key everyone knows."""
    settings = keys_file(tmp_path, RSA.jwk("k"))
    public = RSA.private.public_key()
    for encoding, form in (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.PEM, PublicFormat.PKCS1),
    ):
        secret = public.public_bytes(encoding, form)
        claims = {"sub": "ann", "exp": NOW_S + LATER_S}
        for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": "k"}):
            body = raw(header, claims).rpartition(".")[0]
            algorithm = jwt.get_algorithm_by_name("HS256")
            signature = base64.urlsafe_b64encode(algorithm.sign(body.encode(), secret))
            refusal(f"{body}.{signature.rstrip(b'=').decode()}", **settings)


def test_a_key_in_the_header_is_never_used(tmp_path):
    token = signed(RSA.private, "RS256", {"jwk": RSA.jwk("k"), "kid": "k"})
    refusal(token, **keys_file(tmp_path, EC.jwk("other")))


def test_an_algorithm_that_is_not_allowed_is_refused_though_the_key_is_there(tmp_path):
    settings = keys_file(tmp_path, RSA.jwk("k"), EC.jwk("e"))
    token = signed(RSA.private, "RS256", {"kid": "k"})
    assert verifier(**settings).verify(token).user_id == "ann"
    assert "algorithm" in refusal(token, jwt_algorithms="ES256", **settings)


def test_several_keys_are_told_apart_by_their_id(tmp_path):
    old, new = "o" * 32, "n" * 32
    encode = jwt.algorithms.HMACAlgorithm.to_jwk
    settings = keys_file(
        tmp_path,
        encode(old, as_dict=True) | {"kid": "old"},
        encode(new, as_dict=True) | {"kid": "new"},
    )
    made = verifier(**settings)
    assert made.verify(signed(old, headers={"kid": "old"})).user_id == "ann"
    assert made.verify(signed(new, headers={"kid": "new"})).user_id == "ann"
    refusal(signed(old, headers={"kid": "new"}), **settings)
    refusal(signed(old, headers={"kid": "gone"}), **settings)


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({"iss": "us", "aud": "chat"}, True),
        ({"iss": "us", "aud": ["mail", "chat"]}, True),
        ({"iss": "them", "aud": "chat"}, False),
        ({"iss": ["us"], "aud": "chat"}, False),
        ({"aud": "chat"}, False),
        ({"iss": "us", "aud": "mail"}, False),
        ({"iss": "us", "aud": {"chat": 1}}, False),
        ({"iss": "us"}, False),
    ],
)
def test_issuer_and_audience_count_when_configured(claims, accepted):
    settings = {"jwt_issuer": "us", "jwt_audience": "chat"}
    payload = {"sub": "ann", "exp": NOW_S + LATER_S} | claims
    token = jwt.api_jws.encode(json.dumps(payload).encode(), SECRET, "HS256")
    if accepted:
        assert verifier(**settings).verify(token).user_id == "ann"
    else:
        refusal(token, **settings)


def test_the_leeway_forgives_a_little_and_no_more():
    expired = signed(exp=int(time.time()) - 20)
    assert verifier(jwt_leeway_s=120).verify(expired).user_id == "ann"
    assert "expired" in refusal(expired, jwt_leeway_s=5)


def test_the_remaining_life_is_capped():
    token = signed(exp=int(time.time()) + 7200)
    assert verifier(jwt_max_lifetime_s=7300).verify(token).user_id == "ann"
    assert "longer" in refusal(token, jwt_max_lifetime_s=3600)


def test_a_token_without_rooms_allows_none():
    capabilities = verifier().verify(signed(rooms=...)).capabilities
    assert not any(capabilities.allows("qa", action) for action in Action)


def test_a_fraction_of_a_second_in_exp_is_accepted():
    assert verifier().verify(signed(exp=NOW_S + LATER_S + 0.5)).expires_at_s == NOW_S + LATER_S


def test_mint_makes_what_verify_accepts():
    settings = {"jwt_issuer": "us", "jwt_audience": "chat"}
    token = mint(
        SECRET,
        "HS256",
        "ann",
        ttl_s=60,
        rooms={"qa": ["moderate"]},
        user={"name": "Ann"},
        issuer="us",
        audience="chat",
    )
    identity = verifier(**settings).verify(token)
    assert (identity.user_id, identity.user) == ("ann", {"name": "Ann"})
    assert identity.capabilities.allows("qa", Action.MODERATE)
    assert 50 < identity.expires_at_s - time.time() <= 60


def test_a_token_tells_when_it_was_issued_and_what_it_is_called() -> None:
    identity = verifier().verify(signed(iat=NOW_S - 5.5, jti="t-1"))
    assert (identity.issued_at_s, identity.token_id) == (int(NOW_S - 5.5), "t-1")
    identity = verifier().verify(signed())
    assert (identity.issued_at_s, identity.token_id) == (0, None)


def test_a_revoked_token_is_refused_whatever_else_is_good_about_it() -> None:
    settings = Settings(jwt_secret=SECRET)
    keys = KeyRing.from_settings(settings)
    refusing = Verifier(settings, keys, lambda identity: identity.token_id == "t-1")
    with pytest.raises(InvalidTokenError, match="the token was revoked"):
        refusing.verify(signed(jti="t-1"))
    assert refusing.verify(signed(jti="t-2")).user_id == "ann"


def test_each_minted_token_can_be_revoked_alone() -> None:
    minted = [mint(SECRET, "HS256", "ann", ttl_s=60, rooms=ROOMS) for _ in range(2)]
    first, second = (verifier().verify(token) for token in minted)
    assert first.token_id
    assert second.token_id
    assert first.token_id != second.token_id
