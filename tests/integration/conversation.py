"""Reads the conversations in docs/protocol.md: stage directions, frames sent, frames received.

A fenced block ```json ann sends``` is a frame; an HTML comment is a stage direction, which readers
of the rendered page do not see.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"

_STEP = re.compile(
    r"^<!-- (?P<direction>.*?) -->$"
    r"|^```json (?P<who>\w+) (?P<verb>sends|receives|is closed with)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_CODE_CELL = re.compile(r"^`([^`]*)`$")
_CLAIMS = re.compile(r"^```json claims of (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Lists whose order nobody promises.
UNORDERED = {"members"}
#: Fields whose values differ from run to run but mean the same thing wherever they appear.
NAMES = {"epoch", "previousEpoch", "messageId", "connectionId", "workerId"}
#: Fields that differ freely: only the kind of the value is compared.
FREE = {
    "timestamp",
    "editedAt",
    "expiresAt",
    "expiresInMs",
    "retryAfterMs",
    "reconnectAfterMs",
    "version",
    "since",
}
#: Fields that tell events of one type apart.
_TELLING = ("id", "roomId", "userId", "seq", "code", "isTyping", "state", "reason", "memberCount")


@dataclass(frozen=True)
class Step:
    """A stage direction, or a frame in one direction."""

    line: int
    direction: str = ""
    who: str = ""
    verb: str = ""
    frame: Any = None


def steps() -> list[Step]:
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for match in _STEP.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["direction"] is not None:
            found.append(Step(line, direction=match["direction"]))
        else:
            frame = json.loads(match["body"])
            found.append(Step(line, who=match["who"], verb=match["verb"], frame=frame))
    return found


def scenes() -> list[list[Step]]:
    """Split the page at its `scene` directions."""
    found: list[list[Step]] = []
    for step in steps():
        if step.direction.split(" ")[0] == "scene":
            found.append([])
        found[-1].append(step)
    return found


def claims() -> dict[str, dict[str, Any]]:
    text = PAGE.read_text(encoding="utf-8")
    return {match[1]: json.loads(match[2]) for match in _CLAIMS.finditer(text)}


def table(first_heading: str) -> list[list[str]]:
    """Return the rows of the table whose header begins with a word, as cells."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith(f"| {first_heading} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    break
                rows.append(
                    [_CODE_CELL.sub(r"\1", cell.strip()) for cell in row.strip("|").split("|")]
                )
    return rows


class Glossary:
    """Which name in the page stands for which name in this run; one for one."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def learn(self, written: str, real: str) -> None:
        assert self._real.setdefault(written, real) == real, f"{written} was another one before"
        others = [name for name, value in self._real.items() if value == real]
        assert others == [written], f"{others} are the same"

    def real(self, frame: Any) -> Any:
        """Put this run's names into a frame to be sent."""
        if isinstance(frame, dict):
            return {
                key: self._real.get(value, value) if key in NAMES else self.real(value)
                for key, value in frame.items()
            }
        return frame

    def compare(self, written: Any, real: Any, path: str = "$") -> None:
        """Fail unless a received frame is the one in the page, volatile values apart."""
        key = path.rpartition(".")[2]
        assert type(written) is type(real), f"{path}: {written!r} is another kind than {real!r}"
        if isinstance(written, dict):
            assert sorted(written) == sorted(real), path
            for field in written:
                self.compare(written[field], real[field], f"{path}.{field}")
        elif isinstance(written, list):
            assert len(written) == len(real), path
            if key in UNORDERED:
                written, real = sorted(written, key=repr), sorted(real, key=repr)
            for index, pair in enumerate(zip(written, real, strict=True)):
                self.compare(*pair, f"{path}[{index}]")
        elif key in NAMES:
            self.learn(written, real)
        elif key not in FREE:
            assert written == real, f"{path}: {written!r} is not {real!r}"


def is_like(written: dict[str, Any], real: dict[str, Any]) -> bool:
    """Whether a received event is the one that a frame in the page is to be compared with."""
    return written["type"] == real["type"] and all(
        written[field] == real.get(field) for field in _TELLING if field in written
    )
