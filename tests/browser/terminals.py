"""Terminals in which a document's commands are typed, and the document as what is to be typed."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.waiting import until
from tests.support.worker import REPOSITORY

_BLOCK = re.compile(
    r"(?:`(?P<file>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_END = "=== end of the block ==="


class Block(NamedTuple):
    """A code block: its language, its text, and the file that it is to be saved as."""

    kind: str
    text: str
    file: str


def sections(document: str) -> dict[str, list[Block]]:
    """Return the code blocks of each section that has some, by the section's heading."""
    found = {}
    for section in document.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        blocks = [
            Block(match["kind"], match["text"], match["file"] or "")
            for match in _BLOCK.finditer(body)
        ]
        if blocks:
            found[heading] = blocks
    return found


class Desk:
    """A folder that looks like a fresh checkout to who types in it, and its terminals.

    `make run` is what it starts, `chat up --local`: nothing is installed.

    Args:
        folder: an empty one.
        environ: variables of the terminals.
        rewritten: texts of the document and what is typed instead, for ports.
    """

    def __init__(
        self, folder: Path, environ: Mapping[str, str], rewritten: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self._rewritten = {
            "make run WEBHOOK=": "chat up --local --webhook ",
            "make run": "chat up --local",
            **rewritten,
        }
        binaries = folder / ".venv" / "bin"
        binaries.mkdir(parents=True)
        (binaries / "activate").write_text('PATH="$PWD/.venv/bin:$PATH"\n')
        chat = binaries / "chat"
        chat.write_text(f'#!/bin/sh\nexec {sys.executable} -m chat "$@"\n')
        chat.chmod(0o755)
        (folder / "clients").symlink_to(REPOSITORY / "clients")
        inherited = {name: text for name, text in os.environ.items() if name[:5] != "CHAT_"}
        path = f"{binaries}:{os.environ['PATH']}"
        own = {"PATH": path, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        self._environ = inherited | own | dict(environ)
        self._open: list[Terminal] = []

    def typed(self, text: str) -> str:
        """Return what is typed where the document says `text`."""
        said = "|".join(map(re.escape, self._rewritten))
        return re.sub(said, lambda match: self._rewritten[match[0]], text)

    def save(self, block: Block) -> None:
        """Save a block as the file that the document names."""
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.typed(block.text))

    async def open(self) -> "Terminal":
        """Open a terminal."""
        terminal = Terminal(
            await asyncio.create_subprocess_exec(
                *("bash", "-euo", "pipefail"),
                cwd=self.folder,
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_ctrl_c,
            )
        )
        self._open.append(terminal)
        return terminal

    async def leave(self) -> None:
        """End what runs, the latest first."""
        for terminal in reversed(self._open):
            await terminal.close()


class Terminal:
    """A shell that is typed into. Everything it prints is in `printed`."""

    def __init__(self, shell: asyncio.subprocess.Process) -> None:
        self.printed = ""
        self._shell = shell
        self._reading = asyncio.create_task(self._read(), name=f"terminal-{shell.pid}")

    async def run(self, text: str) -> str:
        """Type commands, wait for their end, and return what they printed; each has to succeed."""
        before = len(self.printed)
        self.type(f"{text}\necho; echo '{_END}'\n")
        await self.sees(_END, after=before)
        return self.printed[before:].partition(_END)[0]

    def type(self, text: str) -> None:
        """Type commands and wait for nothing."""
        if self._shell.stdin is None:
            raise RuntimeError("the shell has no input")
        self._shell.stdin.write(text.encode())

    async def sees(self, text: str, *, after: int = 0) -> None:
        """Wait until a text has been printed."""

        def printed() -> bool:
            if text in self.printed[after:]:
                return True
            assert not self._reading.done(), f"the terminal has ended:\n{self.printed}"
            return False

        await until(printed, 60.0, what=f"{text!r} in {self.printed[-2000:]!r}")

    async def close(self) -> None:
        """Press Ctrl-C and wait until what ran has ended."""
        if self._shell.returncode is None and self._shell.stdin is not None:
            os.killpg(self._shell.pid, signal.SIGINT)
            self._shell.stdin.close()  # so that a shell that goes on finds nothing to do
        try:
            await asyncio.wait_for(self._shell.wait(), 60.0)
        except TimeoutError:
            os.killpg(self._shell.pid, signal.SIGKILL)
            raise
        finally:
            await self._reading

    async def _read(self) -> None:
        output: Any = self._shell.stdout
        while data := await output.read(65536):
            self.printed += data.decode(errors="replace")


def _heed_ctrl_c() -> None:
    """A test run in the background ignores Ctrl-C, and whatever it starts inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
