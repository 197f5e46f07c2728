"""The keys that sign tokens: from settings, a JWKS file, a JWKS URL, several at once by `kid`.

A key verifies only the algorithm it is for. Keys named in a token's header (`jwk`, `jku`, `x5u`)
are never used, and its `kid` is no more than a word to look up (RFC 8725 section 3.10).
"""

import asyncio
import logging
from pathlib import Path

import jwt

from chat.identity.jwks import KeyDocumentError, fetch_keys, is_http_url, symmetric_key
from chat.identity.keys_file import KeysFile
from chat.settings import Settings, SettingsError

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 5.0
#: How soon a failed refresh is tried again.
RETRY_S = 30.0
#: How often the file of keys is looked at.
FILE_CHECK_S = 5.0


class KeyRing:
    """All keys that are valid now.

    Args:
        fixed: keys from settings.
        file: keys that may change while we run, if there are such.
        url: JWKS to fetch, or empty.
    """

    def __init__(
        self, settings: Settings, fixed: list[jwt.PyJWK], file: KeysFile | None, url: str
    ) -> None:
        self._settings = settings
        self._fixed = fixed
        self._file = file
        self._url = url
        self._fetched: list[jwt.PyJWK] = []
        self._fetched_at_s = float("-inf")
        self._fetching: asyncio.Task[bool] | None = None
        self._by_kid: dict[str | None, list[jwt.PyJWK]] = {}
        self._index()

    @classmethod
    def from_settings(cls, settings: Settings) -> "KeyRing":
        """Load what the settings name.

        Raises:
            SettingsError: no key at all, or a source that cannot be used.
        """
        fixed: list[jwt.PyJWK] = []
        file = None
        try:
            if settings.jwt_secret:
                fixed.append(symmetric_key(settings.jwt_secret))
        except KeyDocumentError as exc:
            raise SettingsError(f"CHAT_JWT_SECRET: {exc}.") from None
        try:
            if settings.jwt_keys_file:
                file = KeysFile(Path(settings.jwt_keys_file))
        except KeyDocumentError as exc:
            raise SettingsError(f"CHAT_JWT_KEYS_FILE: {settings.jwt_keys_file}: {exc}.") from None
        url = settings.jwt_jwks_url
        if url and not is_http_url(url):
            raise SettingsError("CHAT_JWT_JWKS_URL must be an http:// or https:// address.")
        if not fixed and not url and not (file and file.keys):
            raise SettingsError(
                "No key to verify tokens with: set CHAT_JWT_KEYS_FILE, CHAT_JWT_JWKS_URL or "
                "CHAT_JWT_SECRET."
            )
        return cls(settings, fixed, file, url)

    @property
    def can_fetch(self) -> bool:
        """Whether an unknown key may turn up at the URL."""
        return bool(self._url)

    def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """Return the keys to try: those with this `kid`, or all where the token or key has none."""
        if kid is None:
            candidates = [key for keys in self._by_kid.values() for key in keys]
        else:
            candidates = self._by_kid.get(kid) or self._by_kid.get(None, [])
        return [key for key in candidates if key.algorithm_name == algorithm]

    def has_key_for(self, algorithm: str) -> bool:
        """Whether some key is for this algorithm."""
        return bool(self.find(None, algorithm))

    def knows(self, kid: str | None) -> bool:
        """Whether a key of this id is on the ring."""
        return kid is None or kid in self._by_kid

    async def run(self) -> None:
        """Keep the keys of the file and of the URL fresh until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._file is not None:
                group.create_task(self._watch(self._file), name="keys-file")
            if self._url:
                group.create_task(self._keep_fetched(), name="jwks-refresh")

    async def _watch(self, file: KeysFile) -> None:
        refused = ""
        while True:
            await asyncio.sleep(FILE_CHECK_S)
            try:
                changed = await asyncio.to_thread(file.read_again)
            except KeyDocumentError as exc:
                # As with the URL: a mistake in the file must not be an outage.
                if str(exc) != refused:
                    log.warning("keys_file_refused", extra={"error": str(exc)})
                refused = str(exc)
                continue
            refused = ""
            if changed:
                self._index()
                log.info("keys_file_read", extra={"keys": len(file.keys)})

    async def _keep_fetched(self) -> None:
        while True:
            fresh = await self._fetch_once()
            cache_s = self._settings.jwt_jwks_cache_s
            await asyncio.sleep(cache_s if fresh else min(cache_s, RETRY_S))

    async def refresh_for_unknown_key(self) -> None:
        """Fetch again, because a token names a key that is not here; at most once per cooldown."""
        loop = asyncio.get_running_loop()
        recent = loop.time() - self._fetched_at_s < self._settings.jwt_jwks_cooldown_s
        if recent and self._fetching is None:
            return
        await self._fetch_once()

    async def _fetch_once(self) -> bool:
        """Fetch; callers that come meanwhile share it. Returns whether it succeeded."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="jwks-fetch")
            self._fetching.add_done_callback(self._forget_fetch)
        # A caller that is cancelled, because its client left, takes nothing from the others.
        return await asyncio.shield(self._fetching)

    def _forget_fetch(self, _task: "asyncio.Task[bool]") -> None:
        self._fetching = None

    async def _fetch(self) -> bool:
        self._fetched_at_s = asyncio.get_running_loop().time()
        try:
            self._fetched = await asyncio.to_thread(fetch_keys, self._url, FETCH_TIMEOUT_S)
        except KeyDocumentError as exc:
            # The old keys stay in force: an outage of the issuer must not be an outage of ours.
            log.warning("jwks_fetch_failed", extra={"error": str(exc)})
            return False
        self._index()
        return True

    def _index(self) -> None:
        self._by_kid = {}
        read = self._file.keys if self._file is not None else []
        for key in (*self._fixed, *read, *self._fetched):
            self._by_kid.setdefault(key.key_id, []).append(key)
