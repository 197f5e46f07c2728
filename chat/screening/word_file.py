"""The file of the word filter, read again when it changes.

As with API keys, a file that cannot be used leaves the words in force that were read last: a slip
in an editor must neither open the gates nor close them. It is said in the log and in a metric.
"""

import asyncio
import logging
from pathlib import Path

from chat.ops.stats import Stats
from chat.screening.words import Words, WordsError, parse_rules
from chat.settings import SettingsError

log = logging.getLogger(__name__)

#: How often the file is looked at.
LOOK_S = 2.0
MAX_FILE_BYTES = 1024 * 1024
#: What tells that a file is another: when it was written, how long it is, which one it is.
Mark = tuple[int, int, int]


class WordFile:
    """The words in force.

    Args:
        path: of the file.
        stats: knows how many words there are, and whether they are those of the file.

    Raises:
        SettingsError: the file cannot be used at start.
    """

    def __init__(self, path: Path, stats: Stats) -> None:
        self._path = path
        self._stats = stats
        self._mark = _mark_of(path)
        try:
            self.words = _read(path)
        except WordsError as exc:
            raise SettingsError(f"CHAT_WORD_FILTER_FILE: {path}: {exc}.") from None
        self._note(is_stale=False)

    async def run(self) -> None:
        """Look at the file until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Read the file if it is another than the one read last."""
        mark = _mark_of(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self.words = await asyncio.to_thread(_read, self._path)  # thousands may take a moment
        except WordsError as exc:
            self._note(is_stale=True)
            log.warning("words_not_read", extra={"file": str(self._path), "error": str(exc)})
            return
        self._note(is_stale=False)
        log.info("words_read", extra={"words": self.words.count})

    def _note(self, *, is_stale: bool) -> None:
        self._stats.word_filter_rules = self.words.count
        self._stats.word_filter_stale = int(is_stale)


def _read(path: Path) -> Words:
    try:
        with path.open("rb") as file:
            document = file.read(MAX_FILE_BYTES + 1)
        if len(document) > MAX_FILE_BYTES:
            raise WordsError(f"it is larger than {MAX_FILE_BYTES} bytes")
        return Words(parse_rules(document.decode()))
    except OSError as exc:
        raise WordsError(exc.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        raise WordsError("it is not UTF-8 text") from None


def _mark_of(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
