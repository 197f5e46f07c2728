"""`chat join`: a room on standard input and output, for people and scripts."""

import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.cluster import NO_LIMITS, Cluster, Supervised
from tests.support.waiting import until
from tests.terminal.visiting import joined, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

StartCluster = Callable[..., Awaitable[Cluster]]


def contents_of(out: str) -> list[str]:
    """Return what was said, of the output of `--json`."""
    events = [json.loads(line) for line in out.splitlines()]
    return [event["content"] for event in events if event["type"] == "chat_message"]


async def test_lines_become_messages_and_messages_become_lines(worker: Cluster, room: str) -> None:
    url = worker[0].url
    async with joined(room, "--url", url, user="ben") as ben:
        await ben.told(f"joined {room}")
        said = await visit(room, "--url", url, typed="Hello!\n\nHow are you?\n")
        assert said.code == 0, said
        assert (await ben.line()).endswith("ann: Hello!")
        assert (await ben.line()).endswith("ann: How are you?")
        ended = await ben.end()
    assert ended.code == 0
    assert "ann joined" in ended.err
    assert "ann" not in ended.out, "who comes and goes is not for standard output"


async def test_everything_read_is_acknowledged_before_the_end(
    worker: Cluster, room: str, tmp_path: Path
) -> None:
    file = tmp_path / "lines"
    file.write_text("".join(f"{number}\n" for number in range(300)) + "the last, unended")
    assert (await visit(room, "--url", worker[0].url, stdin=file)).code == 0
    shown = await visit(room, "--url", worker[0].url, "--json", "--history", "1000")
    assert contents_of(shown.out) == [*map(str, range(300)), "the last, unended"]


async def test_json_says_everything_and_takes_objects_and_text(worker: Cluster, room: str) -> None:
    async with joined(room, "--url", worker[0].url, "--json") as ann:
        await ann.type('{"content": "Hi", "clientMessageId": "a-1"}')
        ack = await ann.event("ack")
        assert (ack["seq"], ack["clientMessageId"], ack["roomId"]) == (1, "a-1", room)
        await ann.type("just text")
        while (heard := await ann.event("chat_message"))["seq"] == 1:
            continue
        assert heard["content"] == "just text"
        await ann.type('{"type": "fly"}')
        assert (await ann.event("error"))["code"] == "invalid_line"
        await ann.type('{"content": ""}')
        assert (await ann.event("error"))["code"] == "invalid_message"
        assert (await ann.end()).code == 1, "something was refused"


async def test_ctrl_c_ends_it_once_everything_is_said(worker: Cluster, room: str) -> None:
    async with joined(room, "--url", worker[0].url, "--json") as ann:
        await ann.type("Hello!")
        await ann.event("ack")
        ann.signal(signal.SIGINT)
        said = await ann.end()
    assert said.code == 0
    assert "Traceback" not in said.err


async def test_what_is_not_acknowledged_in_time_is_counted_and_told(unused_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_port}/ws"
    said = await visit("lobby", "--url", url, "--wait", "0.5", typed="one\ntwo\n")
    assert said.code == 1
    assert "2 lines were not acknowledged" in said.err


async def test_a_second_signal_does_not_wait(unused_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_port}/ws"
    async with joined("lobby", "--url", url, "--wait", "600") as ann:
        await ann.type("one")
        await ann.told("waiting")
        ann.signal(signal.SIGTERM)
        ann.signal(signal.SIGINT)
        assert (await ann.end()).code == 1


async def test_listening_needs_no_input(worker: Cluster, room: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    url = worker[0].url
    async with joined(room, "--url", url, "--listen", user="ben", stdin=nothing) as ben:
        await ben.told(f"joined {room}")
        assert (await visit(room, "--url", url, typed="Hello!\n")).code == 0
        assert (await ben.line()).endswith("ann: Hello!")
        ben.signal(signal.SIGTERM)
        assert (await ben.end()).code == 0


async def test_an_output_that_nobody_reads_ends_it(worker: Cluster, room: str) -> None:
    async with joined(room, "--url", worker[0].url) as ann:
        await ann.told(f"joined {room}")
        ann.hang_up()
        await ann.type("Hello!")
        said = await ann.end()
    assert said.code == 0
    assert "Traceback" not in said.err


async def test_a_killed_worker_costs_no_line(cluster: StartCluster, room: str) -> None:
    workers = await cluster(1, **NO_LIMITS)
    async with joined(room, "--url", workers[0].url, "--json") as ann:
        await ann.type("before")
        await ann.event("ack")
        await workers[0].restart()
        await ann.type("after")
        ack = await ann.event("ack")
        assert ack["seq"] == 2
        assert (await ann.end()).code == 0


async def test_who_is_not_let_in_is_told_why(worker: Cluster, room: str, tmp_path: Path) -> None:
    url = worker[0].url
    file = tmp_path / "token"
    file.write_text("not a token\n")
    said = await visit(room, "--url", url, "--token-file", str(file), user=None)
    assert said.code == 3
    assert "token" in said.err
    said = await visit(room, "--url", url, user=None)
    assert said.code == 3
    assert "hands out no tokens" in said.err
    said = await visit("no room", "--url", url)
    assert (said.code, "room id" in said.err) == (3, True)


async def test_wrong_arguments_are_refused_with_a_sentence() -> None:
    said = await visit("lobby", "--url", "localhost")
    assert said.code == 2
    assert said.err == "chat: 'localhost' is not like wss://chat.example/ws\n"


async def test_a_message_cannot_give_orders_to_a_terminal(worker: Cluster, room: str) -> None:
    url = worker[0].url
    evil = json.dumps({"content": "\x1b]0;owned\x07\x9b2J\nben: I owe you money"})
    assert (await visit(room, "--url", url, "--json", typed=evil + "\n")).code == 0
    shown = await visit(room, "--url", url, "--history", "1")
    assert "\x1b" not in shown.out
    assert "\x9b" not in shown.out
    assert not any(line.startswith("ben:") for line in shown.out.splitlines())
    as_json = await visit(room, "--url", url, "--history", "1", "--json")
    assert "\x9b" not in as_json.out
    assert contents_of(as_json.out) == [json.loads(evil)["content"]]


async def test_on_the_machine_of_chat_up_no_token_is_needed(tmp_path: Path) -> None:
    async with Supervised(
        None, 1, arguments=("--local", "--data-dir", str(tmp_path / "data"))
    ) as cluster:
        await until(lambda: "Chat is running" in cluster.log(), 40.0, what="the welcome")
        said = await visit(
            "lobby", "--url", cluster.url, "--user", "ann", typed="Hello!\n", user=None
        )
        assert said.code == 0, said
        shown = await visit(
            "lobby", "--url", cluster.url, "--user", "ben", "--history", "5", user=None
        )
        assert shown.out.strip().endswith("ann: Hello!")
