"""JSON Web Keys (RFC 7517): from a document, a file or a URL to keys that are ready to verify.

PyJWT parses keys and binds each to one algorithm, so an RSA public key can never be used as an
HMAC secret whatever a token's header says. What PyJWT would otherwise repeat for every token is
done here once: checking the key, and taking the public half of a private one. Errors never
repeat PyJWT's text about a key, because that holds the key.
"""

import time
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
)

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

SUPPORTED = ("HS256", "RS256", "ES256", "EdDSA")
MAX_KEYS = 100
MAX_DOCUMENT_BYTES = 256 * 1024
_READ_BYTES = 16 * 1024
_BY_KIND = {
    ("oct", None): "HS256",
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


class KeyDocumentError(Exception):
    """A key or a set of keys cannot be used; the text says why and repeats nothing of it."""


class _PreparedHmac(HMACAlgorithm):
    """HMAC whose keys were checked when they were loaded, so not again for every token."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else super().prepare_key(key)


def symmetric_key(secret: str) -> jwt.PyJWK:
    """Return the HS256 key of a shared secret.

    Raises:
        KeyDocumentError: the secret is too short, or is another kind of key.
    """
    encoded = base64url_encode(secret.encode()).decode()
    return _prepared({"kty": "oct", "alg": "HS256", "k": encoded}, "HS256")


def parse_keys(document: bytes) -> list[jwt.PyJWK]:
    """Return the keys of a JWKS that can verify tokens here.

    Keys for encryption and of algorithms that are not supported are left out, as RFC 7517
    section 5 asks for: a set may serve several purposes.

    Raises:
        KeyDocumentError: it is not a JWKS, or one of our keys in it is wrong.
    """
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise KeyDocumentError("it is not JSON") from None
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeyDocumentError("it is not a JWKS, an object with a list `keys` of objects")
    if len(entries) > MAX_KEYS:
        raise KeyDocumentError(f"it has more than {MAX_KEYS} keys")
    keys = []
    for number, entry in enumerate(entries, start=1):
        algorithm = _algorithm_of(entry)
        if algorithm is None:
            continue
        try:
            keys.append(_prepared(entry, algorithm))
        except KeyDocumentError as exc:
            raise KeyDocumentError(f"key {number}: {exc}") from None
    return keys


def read_keys(path: Path) -> list[jwt.PyJWK]:
    """Return the keys of a JWKS file.

    Raises:
        KeyDocumentError: it cannot be read, or see `parse_keys`.
    """
    try:
        return parse_keys(path.read_bytes())
    except OSError as exc:
        raise KeyDocumentError(exc.strerror or "it cannot be read") from None


def fetch_keys(url: str, timeout_s: float) -> list[jwt.PyJWK]:
    """Return the asymmetric keys of a JWKS at a URL. Blocks: run it in a thread.

    Redirects are not followed, and nothing but HTTP is spoken. A symmetric key that anyone can
    fetch is no secret, so those are left out.

    Raises:
        KeyDocumentError: no answer, a wrong one or one without a usable key.
    """
    try:
        document = _get(url, timeout_s)
    except HTTPError as exc:
        exc.close()
        raise KeyDocumentError(f"it cannot be fetched: HTTP status {exc.code}") from None
    except (OSError, HTTPException, ValueError) as exc:
        raise KeyDocumentError(f"it cannot be fetched: {exc}") from None
    keys = [key for key in parse_keys(document) if key.key_type != "oct"]
    if not keys:
        raise KeyDocumentError("it has no usable key")
    return keys


def is_http_url(url: str) -> bool:
    """Say whether a URL is one that `fetch_keys` takes."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _algorithm_of(entry: dict[str, Any]) -> str | None:
    """Return the algorithm of a key, None if it is not ours to use."""
    if entry.get("use", "sig") != "sig":
        return None
    kind, curve = entry.get("kty"), entry.get("crv")
    algorithm = entry.get("alg")
    if algorithm is None and isinstance(kind, str):
        named_curve = curve if isinstance(curve, str) else None
        algorithm = _BY_KIND.get((kind, named_curve))
    return algorithm if algorithm in SUPPORTED else None


def _prepared(entry: dict[str, Any], algorithm: str) -> jwt.PyJWK:
    if not isinstance(entry.get("kid", ""), str):
        raise KeyDocumentError("its `kid` is not a string")
    try:
        jwk = jwt.PyJWK(entry, algorithm=algorithm)
        key = jwk.Algorithm.prepare_key(jwk.key)
    except (
        jwt.PyJWTError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        UnsupportedAlgorithm,
    ):
        raise KeyDocumentError(f"it is not a usable {algorithm} key") from None
    if too_short := jwk.Algorithm.check_key_length(key):
        raise KeyDocumentError(too_short)
    if algorithm == "HS256":
        jwk.Algorithm = _PreparedHmac(HMACAlgorithm.SHA256)
    jwk.key = key.public_key() if hasattr(key, "public_key") else key
    return jwk


def _get(url: str, timeout_s: float) -> bytes:
    if not is_http_url(url):
        raise ValueError("the URL is not http or https")
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    deadline_s = time.monotonic() + timeout_s
    answer = opener.open(url, timeout=timeout_s)
    if not isinstance(answer, HTTPResponse):
        raise OSError("the answer is not HTTP")
    with answer:
        body = bytearray()
        while chunk := answer.read1(_READ_BYTES):
            body += chunk
            if len(body) > MAX_DOCUMENT_BYTES:
                raise OSError(f"it is larger than {MAX_DOCUMENT_BYTES} bytes")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"it took longer than {timeout_s} s")
    return bytes(body)
