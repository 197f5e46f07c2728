"""Members of a room meet on one worker; a worker that comes or goes moves only its share."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from tests.front.backends import backends, placement
from tests.front.certificates import Certificates
from tests.front.conftest import Front, StartFront
from tests.support import logs
from tests.support.haproxy import Haproxy, servers_file

pytestmark = pytest.mark.timeout(180)

ROOMS = [f"room-{number}" for number in range(300)]


async def place(workers: Sequence[str], certificates: Certificates) -> dict[str, str]:
    """Start a front for these workers and return where it sends every room."""
    folder = logs.new_directory()
    haproxy = Haproxy(folder, servers_file(folder, workers), certificates.folder)
    async with haproxy:
        return await placement(haproxy, certificates, ROOMS)


async def test_a_worker_that_comes_or_goes_moves_only_its_share(
    certificates: Certificates,
) -> None:
    hosts = [f"127.0.1.{number}" for number in range(1, 10)]
    async with backends(hosts) as port:
        workers = [f"{host}:{port}" for host in hosts]
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
    assert 0.3 * len(ROOMS) / 9 < len(moved_in) < 2 * len(ROOMS) / 9
    assert moved_out == {room for room in ROOMS if eight[room] == workers[0]}


async def test_two_fronts_agree_without_talking(certificates: Certificates) -> None:
    hosts = [f"127.0.1.{number}" for number in range(1, 6)]
    async with backends(hosts) as port:
        workers = [f"{host}:{port}" for host in hosts]
        one = await place(workers, certificates)
        other = await place(workers[::-1], certificates)
    assert one == other


async def test_others_go_to_the_least_connected(start_front: StartFront) -> None:
    front = await start_front(3)
    async with in_room(front, "", 12):
        assert list(front.haproxy.connections().values()) == [4, 4, 4]


async def test_members_of_a_room_meet_on_one_worker(start_front: StartFront) -> None:
    """With so few connections the bound would have them spill, so it is out of the way here."""
    front = await start_front(3, front={"hash_balance": 10_000})
    async with AsyncExitStack() as stack:
        for number in range(4):
            room = f"room-{number}"
            used = set()
            for query, cookie in ((f"?room={room}", ""), (f"?x=1&room={room}", "chat_room=other")):
                used |= await grown(front, stack, in_room(front, query, 2, cookie))
            used |= await grown(front, stack, in_room(front, "", 1, f"a=b; chat_room={room}"))
            assert len(used) == 1, room


async def grown(
    front: Front, stack: AsyncExitStack, opening: AbstractAsyncContextManager[None]
) -> set[str]:
    """Open connections and return which workers got them."""
    before = front.haproxy.connections()
    await stack.enter_async_context(opening)
    after = front.haproxy.connections()
    return {name for name in after if after[name] > before[name]}


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
