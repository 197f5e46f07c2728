"""Keys of each kind for tests, made once: as key objects, and as JWKs."""

import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a key of the tests, long enough for HS256"


class Pair(NamedTuple):
    """A key that signs, its algorithm, and the JWK that verifies."""

    private: Any
    algorithm: str
    public_jwk: dict[str, Any]

    def jwk(self, kid: str | None = None, **more: Any) -> dict[str, Any]:
        """Return the public JWK, with an id."""
        return self.public_jwk | ({"kid": kid} if kid else {}) | more


def rsa_pair(bits: int = 2048) -> Pair:
    key = rsa.generate_private_key(65537, bits)
    return Pair(key, "RS256", RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


def ec_pair() -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(key, "ES256", ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


def ed_pair() -> Pair:
    key = ed25519.Ed25519PrivateKey.generate()
    return Pair(key, "EdDSA", OKPAlgorithm.to_jwk(key.public_key(), as_dict=True))


def secret_pair(secret: str = SECRET) -> Pair:
    return Pair(secret, "HS256", HMACAlgorithm.to_jwk(secret, as_dict=True))


RSA, EC, ED, OCT = rsa_pair(), ec_pair(), ed_pair(), secret_pair()


def jwks(*keys: dict[str, Any]) -> bytes:
    """Return a JWKS document."""
    return json.dumps({"keys": keys}).encode()
