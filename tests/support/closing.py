"""Things that are opened and closed by a test, as `async with` or `with`."""

from types import TracebackType
from typing import Self


class Closing:
    """Opens on the way in and closes on the way out, also when opening fails."""

    async def open(self) -> None:
        """Get ready for use."""

    async def close(self) -> None:
        """End it; harmless when it was never opened."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class Started:
    """The same without a loop: starts on the way in."""

    def start(self) -> Self:
        """Get ready for use."""
        raise NotImplementedError

    def close(self) -> None:
        """End it; harmless when it was never started."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
