"""Members of a room meet on one worker; a worker that comes or goes moves only its share."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.front.certificates import Certificates
from tests.front.conftest import Front, StartFront
from tests.support import logs
from tests.support.haproxy import Haproxy, servers_file

ROOMS = [f"room-{number}" for number in range(300)]


@asynccontextmanager
async def backends(count: int) -> AsyncIterator[list[str]]:
    """Servers that answer each request with their own address: they stand for many workers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        host, port = writer.get_extra_info("sockname")
        body = f"{host}:{port}".encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        writer.close()

    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            stack.callback(server.close)
            found.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield found


async def placement(haproxy: Haproxy, certificates: Certificates) -> dict[str, str]:
    """Ask for every room over one connection; return which worker answered."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", haproxy.port, ssl=certificates.client()
    )
    found = {}
    for room in ROOMS:
        writer.write(f"GET /ws?room={room} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(10.0):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length:")[2].split()[0])
            found[room] = (await reader.readexactly(size)).decode()
    writer.close()
    return found


async def place(
    workers: Sequence[str], certificates: Certificates, folder: Path | None = None
) -> dict[str, str]:
    """Start a front for these workers and return where it sends every room."""
    folder = folder or logs.new_directory()
    haproxy = Haproxy(
        folder,
        servers_file(folder, workers),
        certificates.folder,
        address_connects=10_000,
    )
    async with haproxy:
        return await placement(haproxy, certificates)


async def test_a_worker_that_comes_or_goes_moves_only_its_share(
    certificates: Certificates,
) -> None:
    async with backends(9) as workers:
        eight = await place(workers[:8], certificates)
        nine = await place(workers, certificates)
        seven = await place(workers[1:8], certificates)
    share = Counter(eight.values())
    moved_in = {room for room in ROOMS if eight[room] != nine[room]}
    moved_out = {room for room in ROOMS if eight[room] != seven[room]}
    print(
        f"{len(ROOMS)} rooms on 8 workers, {min(share.values())} to {max(share.values())} each; "
        f"a ninth took {len(moved_in)} (its share is {len(ROOMS) / 9:.0f}), "
        f"losing one moved {len(moved_out)} of its {share[workers[0]]}"
    )
    assert len(share) == 8
    assert max(share.values()) < 2 * len(ROOMS) / 8
    assert {nine[room] for room in moved_in} == {workers[8]}  # nothing moved among the old ones
    assert 0.4 * len(ROOMS) / 9 < len(moved_in) < 1.8 * len(ROOMS) / 9
    assert moved_out == {room for room in ROOMS if eight[room] == workers[0]}


async def test_two_fronts_agree_without_talking(certificates: Certificates) -> None:
    async with backends(5) as workers:
        one = await place(workers, certificates)
        other = await place(workers[::-1], certificates)
    assert one == other


async def test_members_of_a_room_meet_on_one_worker_and_others_are_spread(
    start_front: StartFront,
) -> None:
    front = await start_front(3)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(in_room(front, "", 12))
        assert list(front.haproxy.connections().values()) == [4, 4, 4]  # the least connected
        before = front.haproxy.connections()
        await stack.enter_async_context(in_room(front, "?room=lobby", 1))
        await stack.enter_async_context(in_room(front, "?room=other&x=1", 1))
        after = front.haproxy.connections()
        by_query = {name for name in after if after[name] > before[name]}
        await stack.enter_async_context(in_room(front, "", 1, cookie="chat_room=lobby"))
        last = front.haproxy.connections()
        by_cookie = {name for name in last if last[name] > after[name]}
        assert by_cookie <= by_query


async def test_a_hot_room_spills_instead_of_filling_one_worker(start_front: StartFront) -> None:
    front = await start_front(3)
    async with in_room(front, "?room=hot", 30):
        loads = sorted(front.haproxy.connections().values())
    print(f"30 members of one room on 3 workers: {loads}")
    assert loads[-1] <= 14  # a quarter above the mean, and one for rounding
    assert loads[0] < loads[-1]


@asynccontextmanager
async def in_room(front: Front, query: str, count: int, cookie: str = "") -> AsyncIterator[None]:
    """Hold connections that name a room."""
    headers = {"Cookie": cookie} if cookie else None
    clients = [await front.connect(f"u{number}", query, headers=headers) for number in range(count)]
    try:
        yield
    finally:
        for client in clients:
            await client.close()


@pytest.mark.parametrize("factor", [125, 200])
async def test_how_much_a_room_may_spill_can_be_set(start_front: StartFront, factor: int) -> None:
    front = await start_front(2, front={"hash_balance": factor})
    async with in_room(front, "?room=hot", 20):
        most = max(front.haproxy.connections().values())
    assert most <= 20 / 2 * factor / 100 + 1
    assert (most > 14) == (factor == 200)
