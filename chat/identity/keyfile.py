"""The file of API keys, read again when it changes: a key that is taken out stops working soon.

As with signing keys that are fetched, a file that cannot be used leaves the old keys in force: a
slip in an editor must not shut out every back end. It is said in the log and in a metric.
"""

import asyncio
import logging
from pathlib import Path

from chat.identity.apikeys import ApiKey, ApiKeys, KeyFileError, read_entries
from chat.settings import Settings, SettingsError

log = logging.getLogger(__name__)

#: How often the file is looked at.
LOOK_S = 2.0
#: What tells that a file is another: when it was written, how long it is, which one it is.
Mark = tuple[int, int, int]


class KeyFile:
    """API keys in force.

    Args:
        path: of the file; None where there are no API keys.

    Raises:
        SettingsError: the file cannot be used at start.
    """

    def __init__(self, path: Path | None) -> None:
        self.is_current = True  # what is in force is what the file says
        self._path = path
        self._mark: Mark | None = None
        self._keys = ApiKeys()
        if path is None:
            return
        try:
            self._mark = _mark_of(path)
            self._keys = ApiKeys(read_entries(path))
        except KeyFileError as exc:
            raise SettingsError(f"CHAT_API_KEYS_FILE: {path}: {exc}.") from None

    @classmethod
    def from_settings(cls, settings: Settings) -> "KeyFile":
        """Read the file that the settings name.

        Raises:
            SettingsError: it cannot be used.
        """
        return cls(Path(settings.api_keys_file) if settings.api_keys_file else None)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, key: str) -> ApiKey | None:
        """Return what a key may do, None if it is not in force."""
        return self._keys.find(key)

    async def run(self) -> None:
        """Look at the file until cancelled."""
        if self._path is None:
            return
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Read the file if it is another than the one read last."""
        if self._path is None:
            return
        mark = _mark_of(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._keys = ApiKeys(read_entries(self._path))
        except KeyFileError as exc:
            self.is_current = False
            log.warning("api_keys_not_read", extra={"file": str(self._path), "error": str(exc)})
            return
        self.is_current = True
        log.info("api_keys_read", extra={"keys": len(self._keys)})


def _mark_of(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
