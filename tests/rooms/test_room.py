"""Who is in a room on this worker, and what is written to them."""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat.rooms.room import Room


class Reader(asyncio.WriteTransport):
    """A member, and its transport, that remembers what it was sent."""

    def __init__(self, *, congested: bool = False) -> None:
        super().__init__()
        self.congested = congested
        self.is_direct = not congested
        self.transport = self
        self.got: list[bytes] = []

    def write(self, data: Any) -> None:
        self.got.append(bytes(data))

    def send(self, frame: bytes) -> None:
        self.got.append(frame)

    def send_ephemeral(self, frame: bytes) -> None:
        if not self.congested:
            self.got.append(frame)


Steps = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=30)


@given(Steps)
def test_a_user_arrives_with_the_first_connection_and_departs_with_the_last(
    steps: list[tuple[str, bool]],
) -> None:
    room = Room("r")
    connections: Counter[str] = Counter()
    for user, arrives in steps:
        if arrives:
            connections[user] += 1
            assert room.user_arrived(user) == (connections[user] == 1)
        else:
            was = connections[user]
            connections[user] = max(0, was - 1)
            assert room.user_departed(user) == (was == 1)
        assert room.users == {name: count for name, count in connections.items() if count}


def test_messages_of_one_tick_leave_in_one_write_per_member() -> None:
    room = Room("r")
    readers = [Reader(), Reader()]
    for reader in readers:
        room.add(reader, "u")
    room.pending += [b"one", b"two"]
    room.ephemeral.append(b"typing")
    assert room.flush() == (2, 2, 2 * len(b"onetwotyping"))
    assert [reader.got for reader in readers] == [[b"onetwotyping"]] * 2


def test_a_slow_reader_gets_the_messages_without_the_ephemeral_events() -> None:
    room = Room("r")
    slow = Reader(congested=True)
    room.add(slow, "u")
    room.pending.append(b"one")
    room.ephemeral.append(b"typing")
    room.flush()
    assert slow.got == [b"one"]


def test_a_slow_reader_is_not_written_to_for_ephemeral_events_alone() -> None:
    room = Room("r")
    slow = Reader(congested=True)
    room.add(slow, "u")
    room.ephemeral.append(b"typing")
    room.flush()
    assert slow.got == []


def test_nothing_is_written_twice() -> None:
    room = Room("r")
    reader = Reader()
    room.add(reader, "u")
    room.pending.append(b"one")
    room.flush()
    room.flush()
    assert b"".join(reader.got) == b"one"


def test_a_room_is_idle_without_members_and_without_who_catches_up() -> None:
    assert Room("r").is_idle
    occupied, awaited = Room("r"), Room("r")
    occupied.add(Reader(), "u")
    awaited.catching_up[Reader()] = []
    assert not occupied.is_idle
    assert not awaited.is_idle


def test_who_is_removed_is_gone_also_when_removed_again() -> None:
    room = Room("r")
    reader = Reader()
    room.add(reader, "u")
    room.catching_up[reader] = []
    room.remove(reader)
    room.remove(reader)
    assert room.is_idle
