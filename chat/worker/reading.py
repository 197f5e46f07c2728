"""Commands that read, for members: pages of history, pages of members."""

from typing import TYPE_CHECKING

from chat.broker.pages import history_page, presence_page
from chat.protocol.commands import History, Presence

if TYPE_CHECKING:
    from chat.worker.session import Session


async def history(session: "Session", command: History) -> None:
    """Answer a page of stored messages, oldest first.

    Raises:
        CommandError: not_joined, forbidden, invalid_message, epoch_changed.
        LinkError: Redis is away.
    """
    session.require_room(command.roomId)
    services = session.services
    most_bytes = services.settings.max_outbound_bytes // 2
    page = await history_page(services.broker, command, most_bytes)
    await services.participation.confirm(command.roomId, session.require_identity().user_id)
    session.send(page)


async def presence(session: "Session", command: Presence) -> None:
    """Answer a page of members.

    Raises:
        CommandError: not_joined, forbidden, invalid_message.
        LinkError: Redis is away.
    """
    session.require_room(command.roomId)
    page = await presence_page(session.services.members, command)
    await session.services.participation.confirm(command.roomId, session.require_identity().user_id)
    session.send(page)
