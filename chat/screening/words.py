"""The word filter: words, words in a row, and patterns, each of which blocks or masks.

Words are looked up, one look per word of the message, however many there are. Patterns go to RE2,
whose time is linear in the text whatever the pattern; Python's own engine may take forever.
"""

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from chat.screening.plain import Plain, plain

MAX_RULES = 10_000
MAX_PATTERNS = 500
MAX_ENTRY_CHARS = 500
#: Words in a row that one rule may have.
MAX_ROW = 16
#: What RE2 may need for all patterns together, and so what it keeps at most.
PATTERN_MEMORY_BYTES = 32 * 1024 * 1024


class Action(StrEnum):
    """What becomes of a message that has the word."""

    BLOCK = "block"
    MASK = "mask"


class Rule(NamedTuple):
    """A line of the file.

    Args:
        action: what becomes of the message.
        entry: a word, words in a row, or a pattern between slashes.
    """

    action: Action
    entry: str

    @property
    def pattern(self) -> str | None:
        """The regular expression, None for words."""
        entry = self.entry
        is_pattern = len(entry) > 2 and entry[0] == entry[-1] == "/"
        return entry[1:-1] if is_pattern else None


class WordsError(Exception):
    """The words cannot be used; the text says why."""


def parse_rules(document: str) -> list[Rule]:
    """Return the rules of a file; empty lines and those that begin with `#` are left out.

    Raises:
        WordsError: a line is not one, or there are too many.
    """
    rules = []
    for number, line in enumerate(document.splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        action, _, entry = text.partition(" ")
        if action not in list(Action) or not entry.strip():
            raise WordsError(f"line {number}: it is not `block` or `mask` and a word or /pattern/")
        if len(entry) > MAX_ENTRY_CHARS:
            raise WordsError(f"line {number}: it has more than {MAX_ENTRY_CHARS} characters")
        rules.append(Rule(Action(action), entry.strip()))
    if len(rules) > MAX_RULES:
        raise WordsError(f"it has more than {MAX_RULES} lines")
    return rules


class Words:
    """Rules ready to be applied.

    Args:
        rules: of a file.

    Raises:
        WordsError: a pattern cannot be used, or a rule has no word.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.count = len(rules)
        self._rows: dict[str, list[tuple[tuple[str, ...], Action]]] = defaultdict(list)
        patterns: dict[Action, list[str]] = {Action.BLOCK: [], Action.MASK: []}
        for rule in rules:
            if rule.pattern is not None:
                patterns[rule.action].append(rule.pattern)
            else:
                first, *rest = _row(rule.entry)
                self._rows[first].append((tuple(rest), rule.action))
        if sum(map(len, patterns.values())) > MAX_PATTERNS:
            raise WordsError(f"it has more than {MAX_PATTERNS} patterns")
        self._masking = [_compiled(pattern) for pattern in patterns[Action.MASK]]
        self._any = {
            action: _compiled("|".join(f"(?:{pattern})" for pattern in some))
            for action, some in patterns.items()
            if some
        }

    def applied(self, content: str) -> str | None:
        """Return a text as it may be stored, of the same length; None if it is blocked."""
        if not self.count:
            return content
        text = plain(content)
        found = self._found(text)
        blocking = self._any.get(Action.BLOCK)
        if found is None or (blocking is not None and blocking.search(text.text)):
            return None
        masking = self._any.get(Action.MASK)
        if masking is not None and masking.search(text.text):
            for pattern in self._masking:
                found += (one.span() for one in pattern.finditer(text.text) if one[0])
        return masked(content, (text.source(*span) for span in found))

    def _found(self, text: Plain) -> list[tuple[int, int]] | None:
        """Return the spans of words that are masked; None if one blocks."""
        rows = self._rows
        if not rows:
            return []
        if rows.keys().isdisjoint(_word().findall(text.text)):
            return []  # as a rule; places are worth looking for only when there is something
        spans = []
        words = list(_word().finditer(text.text))
        for index, word in enumerate(words):
            for rest, action in rows.get(word[0], ()):
                last = index + len(rest)
                if last < len(words) and all(
                    words[index + 1 + at][0] == wanted for at, wanted in enumerate(rest)
                ):
                    if action is Action.BLOCK:
                        return None
                    spans.append((word.start(), words[last].end()))
        return spans


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with asterisks in some places."""
    characters: list[str] | None = None
    for start, end in spans:
        characters = characters or list(text)
        characters[start:end] = "*" * (end - start)
    return text if characters is None else "".join(characters)


def _row(entry: str) -> list[str]:
    """Return the words of a rule."""
    words: list[str] = _word().findall(plain(entry).text)
    if not 1 <= len(words) <= MAX_ROW:
        raise WordsError(f"{entry!r} has to have 1 to {MAX_ROW} words")
    return words


@cache
def _word() -> re.Pattern[str]:
    r"""Return what a word is: letters, digits, `_` and the marks on them, which `\w` leaves out.

    Marks stand apart from `\w`: in one class with it they would be looked through one by one, which
    takes ten times as long.
    """
    return re.compile(rf"\w+(?:[{_marks()}]+\w*)*")


def _marks() -> str:
    """Return the ranges of all marks, for a class of a pattern."""
    ranges: list[list[int]] = []
    for code in range(0x300, sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def _compiled(pattern: str) -> Any:
    try:
        import re2
    except ImportError:
        raise WordsError(
            "patterns need the package google-re2, which there is not for this Python"
        ) from None
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_BYTES
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as exc:
        shown = pattern if len(pattern) <= MAX_ENTRY_CHARS else "all of them together"
        raise WordsError(f"the pattern {shown}: {_sentence(exc)}") from None
    if compiled.search("") is not None:
        raise WordsError(f"the pattern {pattern[:MAX_ENTRY_CHARS]} fits the empty text")
    return compiled


def _sentence(exc: Exception) -> str:
    text = exc.args[0] if exc.args else "it cannot be used"
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
