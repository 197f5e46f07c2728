"""Who is in a room on this worker, and what is written to them."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rooms.room import Room


class Reader(asyncio.WriteTransport):
    """A member, its transport and its descriptor, that remembers what it was sent.

    Args:
        congested: it reads slowly; it has no direct descriptor then.
        takes: how many bytes of each write its socket takes; None breaks it.
    """

    def __init__(self, *, congested: bool = False, takes: int | None = 1 << 20) -> None:
        super().__init__()
        self.user_id = "u"
        self.congested = congested
        self.transport = self
        self.got: list[bytes] = []  # through its transport
        self.got_directly: list[bytes] = []
        self.takes = takes
        self.direct_fd = -1 if congested else len(DESCRIPTORS)
        DESCRIPTORS.append(self)

    def write(self, data: Any) -> None:
        self.got.append(bytes(data))

    def send(self, frame: bytes) -> None:
        self.got.append(frame)

    def send_ephemeral(self, frame: bytes) -> None:
        if not self.congested:
            self.got.append(frame)


DESCRIPTORS: list[Reader] = []


def write(fd: int, data: bytes) -> int:
    """Do what `os.write` does."""
    reader = DESCRIPTORS[fd]
    if reader.takes is None:
        raise BrokenPipeError
    taken = data[: reader.takes]
    if not taken:
        raise BlockingIOError
    reader.got_directly.append(taken)
    return len(taken)


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
        room.add(reader)
    room.pending += [b"one", b"two"]
    room.ephemeral.append(b"typing")
    assert room.flush(write) == (2, 2, 2 * len(b"onetwotyping"))
    assert [reader.got_directly for reader in readers] == [[b"onetwotyping"]] * 2
    assert [reader.got for reader in readers] == [[], []]


def test_a_slow_reader_gets_the_messages_without_the_ephemeral_events() -> None:
    room = Room("r")
    slow = Reader(congested=True)
    room.add(slow)
    room.pending.append(b"one")
    room.ephemeral.append(b"typing")
    room.flush(write)
    assert slow.got == [b"one"]


def test_a_slow_reader_is_not_written_to_for_ephemeral_events_alone() -> None:
    room = Room("r")
    slow = Reader(congested=True)
    room.add(slow)
    room.ephemeral.append(b"typing")
    room.flush(write)
    assert slow.got == []


@pytest.mark.parametrize("takes", [0, 2, None])
def test_what_a_socket_does_not_take_goes_on_through_the_transport(takes: int | None) -> None:
    room = Room("r")
    full, other = Reader(takes=takes), Reader()
    room.add(full)
    room.add(other)
    room.pending.append(b"message")
    room.flush(write)
    assert b"".join(full.got_directly + full.got) == b"message"
    assert other.got_directly == [b"message"]


def test_a_member_is_written_to_directly_only_while_it_says_so() -> None:
    room = Room("r")
    reader, stranger = Reader(), Reader()
    room.add(reader)
    fd = reader.direct_fd
    for direct_fd in (-1, fd):
        room.set_direct_fd(reader, direct_fd)
        room.pending.append(b"%d" % direct_fd)
        room.flush(write)
    assert (reader.got, reader.got_directly) == ([b"-1"], [b"%d" % fd])
    room.set_direct_fd(stranger, fd)
    assert list(room.members) == [reader], "who is no member does not become one"


def test_nothing_is_written_twice() -> None:
    room = Room("r")
    reader = Reader()
    room.add(reader)
    room.pending.append(b"one")
    room.flush(write)
    room.flush(write)
    assert b"".join(reader.got_directly + reader.got) == b"one"


def test_a_room_is_idle_without_members_and_without_who_catches_up() -> None:
    assert Room("r").is_idle
    occupied, awaited = Room("r"), Room("r")
    occupied.add(Reader())
    awaited.catching_up[Reader()] = []
    assert not occupied.is_idle
    assert not awaited.is_idle


def test_who_is_removed_is_gone_also_when_removed_again() -> None:
    room = Room("r")
    reader = Reader()
    room.add(reader)
    room.catching_up[reader] = []
    room.remove(reader)
    room.remove(reader)
    assert room.is_idle
