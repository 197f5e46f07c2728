"""A room's stored messages."""

from collections.abc import AsyncIterator

from chat.client.commands import Commands
from chat.client.errors import ChatError
from chat.client.events import ChatMessage, HistoryPage

PAGE_SIZE = 100


class Archive(Commands):
    """The part of a room that reads its history."""

    async def history_page(
        self,
        *,
        before: int | None = None,
        after: int | None = None,
        epoch: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> HistoryPage:
        """Return a page of stored messages: the last ones, or those before or after a seq.

        Raises:
            GoneError: with `epoch`, if positions of that epoch mean nothing any more.
        """
        fields = {"before": before, "after": after, "epoch": epoch, "limit": limit}
        page = await self._ask("history", fields, again=True)
        if not isinstance(page, HistoryPage):
            raise ChatError("the server answered something else")
        return page

    async def history(
        self, *, before: int | None = None, after: int | None = None, limit: int | None = None
    ) -> AsyncIterator[ChatMessage]:
        """Yield stored messages: the latest first, or with `after` from there on the oldest first.

        Args:
            before: only messages before this seq.
            after: only messages after this seq; not both.
            limit: so many at most; all that are kept otherwise.

        Raises:
            GoneError: the store went back in time meanwhile.
        """
        left = limit
        epoch: str | None = None
        more = True
        while more and left != 0:
            size = PAGE_SIZE if left is None else min(left, PAGE_SIZE)
            page = await self.history_page(before=before, after=after, epoch=epoch, limit=size)
            epoch = page.epoch
            for message in page.messages if after is not None else page.messages[::-1]:
                yield message
            left = None if left is None else left - len(page.messages)
            more = page.more
            if after is not None:
                after = _last_seq(page)
            else:
                before = _first_seq(page)


def _first_seq(page: HistoryPage) -> int:
    """Return where the page before this one ends; a page may be empty and not the last."""
    if page.from_seq is not None:
        return page.from_seq
    return page.messages[0].seq if page.messages else 0


def _last_seq(page: HistoryPage) -> int:
    if page.to_seq is not None:
        return page.to_seq
    return page.messages[-1].seq if page.messages else page.head_seq
