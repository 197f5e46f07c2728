"""The keys that sign tokens: from settings, a JWKS file, a JWKS URL, several at once by `kid`.

A key verifies only the algorithms of its own kind, so a public key can never be taken for an HMAC
secret. Keys named in a token's header (`jwk`, `jku`, `x5u`) are never used.

Source: RFC 7517 (JWK), RFC 7518 section 3.1 (algorithms).
"""

import asyncio
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import orjson
from jwt import PyJWK

from chat.settings import Settings, SettingsError

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 5.0
JWKS_BYTES_MAX = 1 << 20
#: How soon a failed refresh is tried again.
RETRY_S = 30.0

#: Algorithms by the key type (`kty`) and, for curves, the curve they belong to.
ALGORITHMS_BY_KEY = {
    ("oct", None): "HS256",
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key ready for use, and the one algorithm it is for."""

    kid: str | None
    algorithm: str
    material: Any  # what PyJWT has prepared for that algorithm


class KeyRing:
    """All keys that are valid now.

    Args:
        fixed: keys from settings and file.
        url: JWKS to fetch, or empty.
    """

    def __init__(self, settings: Settings, fixed: tuple[Key, ...], url: str) -> None:
        self._settings = settings
        self._fixed = fixed
        self._url = url
        self._fetched: tuple[Key, ...] = ()
        self._fetched_at_s = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._by_kid: dict[str | None, list[Key]] = {}
        self._index()

    @classmethod
    def from_settings(cls, settings: Settings) -> "KeyRing":
        """Load what the settings name.

        Raises:
            SettingsError: no key at all, or a source that cannot be used.
        """
        fixed: list[Key] = []
        if settings.jwt_secret:
            fixed.append(key_of_secret(settings.jwt_secret))
        if settings.jwt_keys_file:
            fixed += _load_file(settings.jwt_keys_file)
        url = settings.jwt_jwks_url
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise SettingsError("CHAT_JWT_JWKS_URL must begin with http:// or https://.")
        if not fixed and not url:
            raise SettingsError(
                "No key to verify tokens with: set CHAT_JWT_KEYS_FILE, CHAT_JWT_JWKS_URL or "
                "CHAT_JWT_SECRET."
            )
        return cls(settings, tuple(fixed), url)

    @property
    def can_fetch(self) -> bool:
        """Whether an unknown key may turn up at the URL."""
        return bool(self._url)

    def find(self, kid: str | None, algorithm: str) -> list[Key]:
        """Return the keys to try: those with this `kid`, or all where the token or key has none."""
        if kid is None:
            candidates = [key for keys in self._by_kid.values() for key in keys]
        else:
            candidates = self._by_kid.get(kid) or self._by_kid.get(None, [])
        return [key for key in candidates if key.algorithm == algorithm]

    def knows(self, kid: str | None) -> bool:
        """Whether a key of this id is on the ring."""
        return kid is None or kid in self._by_kid

    async def run(self) -> None:
        """Keep the fetched keys fresh until cancelled."""
        if not self._url:
            return
        while True:
            fresh = await self._fetch_once()
            await asyncio.sleep(self._settings.jwt_jwks_cache_s if fresh else RETRY_S)

    async def refresh_for_unknown_key(self) -> None:
        """Fetch again, because a token names a key that is not here; at most once per cooldown."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._fetched_at_s < self._settings.jwt_jwks_cooldown_s:
            return
        await self._fetch_once()

    async def _fetch_once(self) -> bool:
        """Fetch; callers that come meanwhile share it. Returns whether it succeeded."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="jwks-fetch")
        task = self._fetching
        try:
            await asyncio.shield(task)
        except (OSError, ValueError, jwt.PyJWTError) as exc:
            # The old keys stay in force: an outage of the issuer must not be an outage of ours.
            log.warning("jwks_fetch_failed", extra={"error": str(exc)})
            return False
        finally:
            if task.done():
                self._fetching = None
        return True

    async def _fetch(self) -> None:
        self._fetched_at_s = asyncio.get_running_loop().time()
        body = await asyncio.to_thread(_download, self._url)
        self._fetched = tuple(_parse_set(body))
        self._index()

    def _index(self) -> None:
        self._by_kid = {}
        for key in (*self._fixed, *self._fetched):
            self._by_kid.setdefault(key.kid, []).append(key)


def key_of_secret(secret: str) -> Key:
    """Make a key of one shared secret, for HS256."""
    return Key(None, "HS256", jwt.get_algorithm_by_name("HS256").prepare_key(secret))


def _load_file(path: str) -> list[Key]:
    try:
        return _parse_set(Path(path).read_bytes())
    except (OSError, ValueError, jwt.PyJWTError) as exc:
        raise SettingsError(f"CHAT_JWT_KEYS_FILE: {path} cannot be used: {exc}.") from None


def _parse_set(body: bytes) -> list[Key]:
    """Read a JWKS; keys of kinds we do not use are passed over.

    Raises:
        ValueError: it is not a JWKS, or holds no key for us.
    """
    document = orjson.loads(body)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("it is not a JWKS")  # noqa: TRY004 - one kind of error for bad content
    keys = [key for entry in document["keys"] if (key := _parse_key(entry)) is not None]
    if not keys:
        raise ValueError("it holds no key for HS256, RS256, ES256 or EdDSA")
    return keys


def _parse_key(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kty = entry.get("kty")
    curve = entry.get("crv") if kty in ("EC", "OKP") else None
    algorithm = ALGORITHMS_BY_KEY.get((str(kty), curve))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    material = PyJWK(entry, algorithm).key
    if hasattr(material, "public_key"):
        material = material.public_key()  # a private key in the file: verifying needs half of it
    if algorithm == "HS256" and len(material) < 32:
        raise ValueError("a symmetric key has fewer than 32 bytes")
    kid = entry.get("kid")
    return Key(kid if isinstance(kid, str) else None, algorithm, material)


def _download(url: str) -> bytes:
    """Fetch a JWKS in a thread.

    Raises:
        OSError: no usable answer.
        ValueError: it is too large.
    """
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - http(s)
        body: bytes = answer.read(JWKS_BYTES_MAX + 1)
    if len(body) > JWKS_BYTES_MAX:
        raise ValueError("the JWKS is too large")
    return body
