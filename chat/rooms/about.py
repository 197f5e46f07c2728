"""What is set of a room, as this process knows it: by the events of the order, and by pages.

Redis is the judge of what is stored. What is kept here is told to who joins, and spares the rest:
nobody types where nobody may write.
"""

from chat.protocol.records import ChangeRecord, Page, about_in
from chat.rooms.room import Room


def heard(room: Room, record: ChangeRecord) -> None:
    """Take in an event that something was set, unless something later is known.

    Raises:
        ValueError, KeyError: it is nothing of ours.
    """
    if record.seq > room.about_seq:
        room.about, room.about_seq = about_in(record), record.seq


def read(room: Room, page: Page) -> None:
    """Take in what a page says, which is true as of its head.

    A page of another epoch than the room is in here is believed in any case: the store may have
    gone back, and what was set since then is not set.
    """
    is_elsewhere = room.stream is not None and room.stream.epoch != page.epoch
    if is_elsewhere or page.head_seq >= room.about_seq:
        room.about, room.about_seq = page.about, page.head_seq
