"""The canaries' process as the coordinator sees it: started here, told what agents are told."""

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import DecodeError, json

from loadtest.canaries.orders import Finish, FromCanaries, Job, Report, ToCanaries
from loadtest.control import Phase, Ready, Start
from loadtest.coordinator.plan import CannotRunError, Plan
from loadtest.results import CanaryFacts

COMMAND = (sys.executable, "-m", "loadtest.canaries")
_LINE_LIMIT = 1 << 24
_END_TIMEOUT_S = 5.0
_TAIL_BYTES = 2000
_encoder = json.Encoder()
_decoder: json.Decoder[FromCanaries] = json.Decoder(FromCanaries)


class Canaries:
    """Starts them where the scenario has some; where it has none, nothing does anything.

    On this machine also where all agents are elsewhere: their times are of the coordinator's
    clock then, and there is one place for their end of a test.
    """

    def __init__(self, plan: Plan, command: Sequence[str] = COMMAND) -> None:
        self._plan = plan
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start them and let them prepare.

        Raises:
            CannotRunError: they cannot.
        """
        plan = self._plan
        if not plan.scenario.canaries.count:
            return
        try:
            with self._log.open("wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    limit=_LINE_LIMIT,
                    start_new_session=True,  # Ctrl-C is for us
                )
        except OSError as exc:
            raise CannotRunError(f"Canaries cannot be started: {exc}.") from None
        await self._say(Job(scenario=plan.scenario, target=plan.target, seed=plan.seed))
        match await self._hear(plan.join_timeout_s):
            case Ready(refusal=None):
                return
            case Ready(refusal=refusal):
                raise CannotRunError(f"{refusal} (--canaries 0 does without.)")
        said = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        raise CannotRunError(f"The canaries did not get ready. {said}".strip())

    async def tell(self, message: Start | Phase) -> None:
        """Tell them something; those that are gone are missed at the end."""
        await self._say(message)

    async def finish(
        self, heads: Iterable[Mapping[str, tuple[int, int, int]]], patience_s: float
    ) -> CanaryFacts | None:
        """Let them catch up and return what they saw, None if they are gone.

        Args:
            heads: as in `Finished`, of each agent.
            patience_s: longest wait for what is on its way.
        """
        if self._process is None:
            return None
        acked: dict[str, int] = {}
        for rooms in heads:
            for room, (last, _, _) in rooms.items():
                acked[room] = max(last, acked.get(room, 0))
        await self._say(Finish(heads=acked, patience_s=patience_s))
        said = await self._hear(patience_s + _END_TIMEOUT_S)
        return said.facts if isinstance(said, Report) else None

    async def stop(self) -> None:
        """End them: at once, for what they had to say is said."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                process.kill()
        await process.wait()

    @property
    def _log(self) -> Path:
        return self._plan.log_dir / "canaries.log"

    async def _say(self, message: ToCanaries) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(_encoder.encode(message) + b"\n")
                await self._process.stdin.drain()

    async def _hear(self, patience_s: float) -> FromCanaries | None:
        if self._process is None or self._process.stdout is None:
            return None
        try:
            async with asyncio.timeout(patience_s):
                return _decoder.decode(await self._process.stdout.readline())
        except (TimeoutError, DecodeError, OSError):
            return None
