"""The key that `chat token` signs with: the configured secret, or the first that can sign."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from chat.settings import Settings, SettingsError

_ALGORITHMS = {"oct": "HS256", "RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


class SigningKey(NamedTuple):
    """A key that can sign, with its algorithm and its id."""

    key: Any
    algorithm: str
    kid: str | None


def signing_key(settings: Settings) -> SigningKey:
    """Find the key in the settings.

    Raises:
        SettingsError: there is none that can sign.
    """
    if settings.jwt_secret:
        return SigningKey(settings.jwt_secret, "HS256", None)
    if not settings.jwt_keys_file:
        raise SettingsError(
            "There is no key to sign with: set CHAT_JWT_SECRET, or CHAT_JWT_KEYS_FILE with a "
            "private or symmetric key."
        )
    for entry in _entries(Path(settings.jwt_keys_file)):
        algorithm = entry.get("alg") or _ALGORITHMS.get(entry.get("kty", ""))
        if algorithm and (entry.get("kty") == "oct" or "d" in entry):
            try:
                key = jwt.PyJWK(entry, algorithm=algorithm).key
            except (jwt.PyJWTError, KeyError, TypeError, ValueError):
                raise _wrong(settings.jwt_keys_file, "a key in it is not valid") from None
            return SigningKey(key, algorithm, entry.get("kid"))
    raise _wrong(settings.jwt_keys_file, "it holds public keys only, and those cannot sign")


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as exc:
        raise _wrong(str(path), exc.strerror or "cannot be read") from None
    except ValueError:
        raise _wrong(str(path), "it is not JSON") from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(entry, dict) for entry in keys):
        raise _wrong(str(path), "it is not a JWKS, an object with a list `keys`")
    return keys


def _wrong(path: str, why: str) -> SettingsError:
    return SettingsError(f"CHAT_JWT_KEYS_FILE: {path}: {why}.")
