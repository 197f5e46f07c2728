"""An agent against real workers: what it does, what it counts, and how it ends."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from loadtest.control import Target
from loadtest.scenario import Connections, Rooms, Scenario, SlowReaders, Storm, Tokens, Traffic
from tests.loadtest.coordinating import Coordinator, agent_process, boot_id, one_agent
from tests.loadtest.tls import Certificate, tls_in_front_of
from tests.support import http
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)

Start = Callable[..., Awaitable[Cluster]]

FEW = Connections(count=40, ramp_per_s=400.0)


def scenario(**parts: Any) -> Scenario:
    usual: dict[str, Any] = {"connections": FEW, "rooms": Rooms(size=4)}
    return Scenario(title="a test", **(usual | parts))


async def test_clients_join_chat_and_miss_nothing(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    talk = scenario(traffic=Traffic(messages_per_s=100.0, typing_per_s=20.0))
    async with one_agent(talk, workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.messages_acked >= 30, "acks")
        await agent.begin("hold")
        await agent.until(lambda counts: counts.deliveries_judged >= 400, "judged deliveries")
        await agent.until(lambda counts: bool(counts.typing_received), "somebody's typing")
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    assert counts.messages_due == counts.messages_sent == counts.messages_acked
    assert counts.deliveries == 4 * counts.messages_acked
    assert (counts.lost, counts.duplicated, counts.out_of_order, counts.gaps) == (0, 0, 0, 0)
    assert (counts.opened, counts.failed, counts.refused, counts.errors) == (40, 0, 0, {})
    assert all(acked == lowest and members == 4 for acked, lowest, members in last.heads.values())
    held = [one for one in agent.progress if one.phase in ("hold", "drain")]
    assert agent.latency("connect").samples == 40
    assert 0 < agent.latency("delivery").p50 < 30_000  # ms
    assert {one.phase for one in agent.progress} == {"connect", "warm_up", "hold", "drain"}
    assert held[-1].rss_kib > 0
    assert held[-1].cpu_s > 0


async def test_what_happens_to_messages_moves_on_the_place_and_is_no_loss(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    talk = scenario(rooms=Rooms(size=40), traffic=Traffic(messages_per_s=100.0))
    async with one_agent(talk, workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.messages_acked >= 10, "acks")
        async with await ChatClient.connect(workers[0].url, token("ann")) as ann:
            room = "load-0"
            await ann.join(room)
            await agent.until(lambda counts: counts.presence_events > 0, "her coming is seen")
            mine = await ann.say(room, "one of my own")
            target = {"roomId": room, "seq": mine["seq"], "messageId": mine["messageId"]}
            for number in range(20):
                edit = await ann.command("edit_message", content=str(number), **target)
                assert edit["type"] == "ack"
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    assert counts.deliveries == 40 * counts.messages_acked
    assert (counts.lost, counts.duplicated, counts.out_of_order, counts.gaps) == (0, 0, 0, 0)


@pytest.mark.slow
async def test_latencies_of_the_hold_phase_are_of_judged_messages_only(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with one_agent(scenario(traffic=Traffic(messages_per_s=200.0)), workers[0].url) as agent:
        await agent.start()
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.messages_acked >= 30, "acks")
        await agent.begin("hold")
        await agent.until(lambda counts: counts.deliveries_judged >= 400, "judged deliveries")
        await agent.begin("drain")
        last = await agent.stop()
        agent.progress = [one for one in agent.progress if one.phase in ("hold", "drain")]
    assert agent.latency("delivery").samples == last.counts.deliveries_judged


@pytest.mark.slow
async def test_a_storm_is_survived_without_loss(cluster: Start) -> None:
    workers = await cluster(2, **NO_LIMITS)
    storm = scenario(traffic=Traffic(messages_per_s=100.0), storm=Storm(at_s=0.2, spread_s=0.5))
    async with one_agent(storm, workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await agent.begin("warm_up")
        await agent.begin("hold")
        await agent.until(lambda counts: counts.opened == 80, "all back")
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    assert counts.connected == 40
    assert counts.recovered == 40
    assert counts.lost_connections == 0  # we cut them
    assert counts.messages_acked == counts.messages_due
    assert (counts.lost, counts.duplicated, counts.out_of_order) == (0, 0, 0)
    assert all(acked == lowest for acked, lowest, _ in last.heads.values())
    assert agent.latency("recovery").samples == 40


@pytest.mark.slow
async def test_clients_of_a_killed_worker_come_back_and_resume(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with one_agent(scenario(traffic=Traffic(messages_per_s=50.0)), workers[0].url) as agent:
        await agent.start()
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await workers[0].restart(wait=False)
        await agent.until(lambda counts: counts.lost_connections == 40, "all out")
        await agent.until(lambda counts: counts.connected == 40, "all back")
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    assert counts.messages_acked == counts.messages_due
    assert sum(counts.closes.values()) >= 40
    assert counts.lost == 0
    assert agent.latency("recovery").samples == 40


@pytest.mark.slow
async def test_a_drained_worker_is_left_and_come_back_to(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with one_agent(scenario(), workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await workers[0].terminate()
        await workers[0].start()
        await agent.until(lambda counts: counts.opened == 80, "all back")
        last = await agent.stop()
    assert last.counts.closes["1012"] == 40


@pytest.mark.slow
async def test_refused_clients_back_off_and_come_back(cluster: Start) -> None:
    workers = await cluster(
        1, **NO_LIMITS | {"address_connects_per_s": 10, "address_connects_burst": 10}
    )
    async with one_agent(scenario(), workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        last = await agent.stop()
    assert last.counts.refused > 0
    assert last.counts.failed == 0


@pytest.mark.slow
async def test_clients_without_a_valid_token_give_up(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS, jwt_secret="another key, also long enough for HS256")
    async with one_agent(scenario(), workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.failed == 40, "all gave up")
        last = await agent.stop()
    assert last.counts.closes == {"4001": 40}


@pytest.mark.slow
async def test_tokens_are_refreshed_when_the_server_warns(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS, token_warning_s=29.0)
    async with one_agent(scenario(tokens=Tokens(ttl_s=30.0)), workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.tokens_refreshed >= 80, "two renewals each")
        last = await agent.stop()
    assert last.counts.lost_connections == 0


@pytest.mark.slow
async def test_churn_leaves_and_joins_again_without_loss(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    churn = scenario(traffic=Traffic(messages_per_s=100.0, churn_per_s=50.0))
    async with one_agent(churn, workers[0].url) as agent:
        await agent.start()
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.churns >= 60, "churn")
        await agent.begin("drain")
        last = await agent.stop()
    assert last.counts.messages_acked == last.counts.messages_due
    assert (last.counts.lost, last.counts.duplicated, last.counts.out_of_order) == (0, 0, 0)
    assert all(acked == lowest for acked, lowest, _ in last.heads.values())


@pytest.mark.slow
async def test_readers_that_stopped_are_closed_and_the_others_miss_nothing(cluster: Start) -> None:
    workers = await cluster(
        1, **NO_LIMITS, max_outbound_bytes=131072, outbound_high_water_bytes=65536
    )
    slow = scenario(
        connections=Connections(count=8, ramp_per_s=400.0),
        rooms=Rooms(shape="one"),
        traffic=Traffic(messages_per_s=500.0, content_bytes=8000),
        slow=SlowReaders(share=0.5),
    )
    async with one_agent(slow, workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 8, "all in")
        await agent.begin("warm_up")
        closed = re.compile(r"^chat_slow_consumer_closes_total ([1-9])", re.MULTILINE)

        async def noticed() -> bool:
            return bool(closed.search((await http.get(workers[0].ops_port, "/metrics")).body))

        await until(noticed, 40.0, what="the worker closes a slow reader", interval_s=0.1)
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    ((acked, lowest, readers),) = last.heads.values()
    assert 0 < readers < 8
    assert acked == lowest == counts.messages_acked == counts.messages_due
    assert counts.deliveries == readers * counts.messages_acked
    assert counts.lost == 0


@pytest.mark.slow
async def test_slow_readers_say_nothing_and_stay(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    slow = scenario(
        connections=Connections(count=6, ramp_per_s=400.0),
        rooms=Rooms(shape="one"),
        traffic=Traffic(messages_per_s=50.0),
        slow=SlowReaders(share=1.0, bytes_per_s=8000),
    )
    async with one_agent(slow, workers[0].url) as agent:
        await agent.start()
        await agent.until(lambda counts: counts.connected == 6, "all in")
        async with await ChatClient.connect(workers[0].url, token("ann")) as ann:
            await ann.join("load-0")
            await agent.until(lambda counts: counts.presence_events > 0, "her coming is seen")
        assert agent.counts.messages_due == 0  # nobody is left to say anything
        last = await agent.stop()
    assert last.counts.lost_connections == 0


@pytest.mark.slow
async def test_wss_is_spoken_and_verified(cluster: Start, certificate: Certificate) -> None:
    workers = await cluster(1, **NO_LIMITS)
    talk = scenario(traffic=Traffic(messages_per_s=100.0), storm=Storm(at_s=0.1))
    async with (
        tls_in_front_of(workers[0].port, certificate) as url,
        one_agent(talk, url, ca_file=str(certificate.authority)) as agent,
    ):
        await agent.start()
        await agent.until(lambda counts: counts.connected == 40, "all in")
        await agent.begin("warm_up")
        await agent.begin("hold")
        await agent.until(lambda counts: counts.opened == 80, "all back")
        await agent.begin("drain")
        last = await agent.stop()
    counts = last.counts
    assert counts.messages_acked == counts.messages_due > 0
    assert (counts.lost, counts.duplicated, counts.failed) == (0, 0, 0)
    assert all(acked == lowest for acked, lowest, _ in last.heads.values())


@pytest.mark.slow
async def test_a_certificate_of_nobody_is_refused_unless_told_otherwise(
    cluster: Start, certificate: Certificate
) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with tls_in_front_of(workers[0].port, certificate) as url:
        async with one_agent(scenario(), url) as agent:
            await agent.start()
            await agent.until(lambda counts: counts.closes.get("TLS", 0) >= 40, "no trust")
            last = await agent.stop(0.0)
            assert last.counts.connected == 0
        async with one_agent(scenario(), url, verify_tls=False) as agent:
            await agent.start()
            await agent.until(lambda counts: counts.connected == 40, "all in")
            await agent.stop()


@pytest.mark.slow
async def test_two_agents_tell_together_who_has_what_of_a_room(cluster: Start) -> None:
    workers = await cluster(2, **NO_LIMITS)
    together = scenario(rooms=Rooms(shape="one"), traffic=Traffic(messages_per_s=100.0))
    async with (
        Coordinator() as coordinator,
        agent_process(coordinator.port),
        agent_process(coordinator.port),
    ):
        agents = [await coordinator.next() for _ in range(2)]
        for place, agent in enumerate(agents):
            await agent.admit()
            target = Target(url=workers[place].url, source_addresses=("127.0.1.1", "127.0.1.2"))
            await agent.assign(together, target, first=20 * place, clients=20)
        listening = [asyncio.create_task(agent.listen()) for agent in agents]
        for agent in agents:
            await agent.start()
        for agent in agents:
            await agent.until(lambda counts: counts.connected == 20, "all in")
        for agent in agents:
            await agent.begin("warm_up")
        for agent in agents:
            await agent.until(lambda counts: counts.messages_acked >= 20, "acks")
        for agent in agents:
            await agent.begin("drain")
        last = await asyncio.gather(*(agent.stop() for agent in agents))
        await asyncio.gather(*listening)
    heads = [one.heads["load-0"] for one in last]
    acked = sum(one.counts.messages_acked for one in last)
    assert [lowest for _, lowest, _ in heads] == [acked, acked]
    assert max(head for head, _, _ in heads) == acked
    assert [members for _, _, members in heads] == [20, 20]
    assert sum(one.counts.deliveries for one in last) == 40 * acked
    due = sum(one.counts.messages_due for one in last)
    assert due == acked


@pytest.mark.slow
async def test_latency_is_measured_on_the_coordinators_clock(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    ahead_ns = 10**12  # its clock is far ahead of ours
    talk = scenario(traffic=Traffic(messages_per_s=100.0))
    async with one_agent(talk, workers[0].url, ahead_ns=ahead_ns) as agent:
        await agent.start()
        await agent.begin("warm_up")
        await agent.until(lambda counts: counts.messages_acked >= 30, "acks")
        await agent.begin("drain")
        await agent.stop()
    assert agent.progress[-1].at_ns > ahead_ns
    assert 0 < agent.latency("delivery").highest < 60_000  # ms, and the clocks are 10**6 apart
    assert 0 < agent.latency("connect").highest < 60_000


async def test_clients_that_nobody_answers_give_up(unused_port: int) -> None:
    nobody = scenario(connections=Connections(count=10, ramp_per_s=400.0, tries=2))
    async with one_agent(nobody, f"ws://127.0.0.1:{unused_port}/ws") as agent:
        await agent.start()
        await agent.until(lambda counts: counts.failed == 10, "all gave up")
        last = await agent.stop()
    assert last.counts.closes == {"ECONNREFUSED": 20}


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (b"HTTP/1.1 101 Fine\r\n\r\n\x81\x08nonsense", {"malformed": 10}),
        (b"HTTP/1.1 101 Fine\r\n\r\n\x88\x02\x10\x68", {"4200": 10}),
        (b"HTTP/1.1 503 Full\r\nRetry-After: 1\r\n\r\n", {}),
        (b"HTTP/1.1 403 Never\r\n\r\n", {}),
    ],
)
async def test_whatever_a_server_answers_is_counted(answer: bytes, counted: dict[str, int]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()
        writer.close()

    once = scenario(connections=Connections(count=10, ramp_per_s=400.0, tries=1))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with one_agent(once, f"ws://127.0.0.1:{port}/ws") as agent:
            await agent.start()
            await agent.until(lambda counts: counts.failed == 10, "all gave up")
            last = await agent.stop()
    assert last.counts.closes == counted
    assert last.counts.refused == (0 if counted else 10)


async def test_an_agent_tells_who_it_is() -> None:
    async with Coordinator() as coordinator, agent_process(coordinator.port) as process:
        agent = await coordinator.next()
        hello = await agent.admit()
        assert hello is not None
        assert hello.pid == process.pid
        assert hello.boot_id == boot_id()
        assert hello.descriptors > 0
        agent.hang_up()
        assert await process.wait_ended(30.0) == 3


async def test_an_agent_with_another_secret_is_turned_away() -> None:
    async with (
        Coordinator() as coordinator,
        agent_process(coordinator.port, "another secret") as process,
    ):
        agent = await coordinator.next()
        assert await agent.admit() is None
        assert await process.wait_ended(30.0) == 2
        assert "join secret" in process.log()


@pytest.mark.slow
async def test_an_agent_whose_coordinator_vanishes_ends_within_seconds(cluster: Start) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with Coordinator() as coordinator, agent_process(coordinator.port) as process:
        agent = await coordinator.next()
        await agent.admit()
        await agent.assign(scenario(), Target(url=workers[0].url))
        await agent.start()
        await asyncio.sleep(0.2)
        agent.hang_up()
        assert await process.wait_ended(30.0) == 3


async def test_an_agent_without_a_coordinator_says_so(unused_port: int) -> None:
    async with agent_process(unused_port) as process:
        assert await process.wait_ended(30.0) == 3
        assert "cannot be reached" in process.log()


@pytest.mark.parametrize(
    ("target", "settings", "clients", "sentence"),
    [
        (Target(url="ws://127.0.0.1:1/ws"), {}, 10**6, "descriptors"),
        (Target(url="http://127.0.0.1/"), {}, 40, "is not a ws:// or wss:// address"),
        (Target(url="ws://127.0.0.1:1/", source_addresses=("192.0.2.1",)), {}, 40, "192.0.2.1"),
        (Target(url="wss://127.0.0.1:1/", ca_file="/no/such"), {}, 40, "/no/such"),
        (Target(url="ws://127.0.0.1:1/"), {"jwt_secret": ""}, 40, "key to sign tokens"),
    ],
)
async def test_an_agent_refuses_what_it_cannot_do(
    target: Target, settings: dict[str, str], clients: int, sentence: str
) -> None:
    many = scenario(connections=Connections(count=clients))
    async with (
        Coordinator() as coordinator,
        agent_process(coordinator.port, **settings) as process,
    ):
        agent = await coordinator.next()
        await agent.admit()
        ready = await agent.assign(many, target)
        assert sentence in (ready.refusal or "")
        agent.hang_up()
        assert await process.wait_ended(30.0) == 2
