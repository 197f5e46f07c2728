"""The JavaScript SDK: its own tests, its types, and the example of its README."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat import __version__
from tests.clients.node import SDK, files_of, install, node, run
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.tokens import SECRET, token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

README = SDK / "README.md"
EXAMPLE = re.compile(r"```js\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True, scope="module")
def packages() -> None:
    """What package-lock.json names is there; without node all of this is skipped."""
    node()
    install()


@pytest.fixture
async def worker(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Cluster]:
    """A real worker with a short history, a room in slow mode, and all receipts."""
    settings: dict[str, Any] = {
        "history_size": 120,
        "slow_mode": "slow-*=1",
        "presence_change_interval": 0.1,
        "delivered_markers": True,
        **NO_LIMITS,
    }
    async with Cluster(redis_server, 1, redis_prefix=redis_prefix, **settings) as cluster:
        yield cluster


async def test_its_rules_hold() -> None:
    await run("--test", *files_of("test"))


async def test_it_does_what_it_says_with_a_real_worker(worker: Cluster) -> None:
    variables = {"CHAT_TEST_URL": worker.urls[0], "CHAT_TEST_SECRET": SECRET}
    await run("--test", *files_of("test/live"), variables=variables)


async def test_its_types_are_strict_and_can_be_given_to_others(tmp_path: Path) -> None:
    compiler = "node_modules/typescript/bin/tsc"
    await run(compiler, "--noEmit", "false", "--outDir", str(tmp_path / "types"))
    user = tmp_path / "user.ts"
    user.write_text(
        """
        import { ChatClient, type ChatMessage, type Participant } from "./types/index.js";
        const client = new ChatClient({ url: "ws://x", token: async (reason) => reason });
        client.room("tea").on("event", (event) => {
          if (event.type === "reaction_added") event.reaction.at(0);
          if (event.type === "chat_message") show(event);
          if (event.type === "room_changed") event.room.title?.at(0);
        });
        client.on("membership", (event) => event?.membership.role?.at(0));
        async function owners(): Promise<Participant[]> {
          const found = [];
          for await (const each of client.room("private:tea").participants()) found.push(each);
          return found.filter(({ role }) => role === "owner");
        }
        function show(message: ChatMessage): string { return message.content; }
        // @ts-expect-error there is no such event
        client.on("nothing", () => {});
        // @ts-expect-error there is no such role
        client.room("private:tea").setRole("ben", "king");
        // @ts-expect-error a room needs a name
        client.room(7);
        """
    )
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "nodenext")
    await run(compiler, *options, str(user))


async def test_the_example_of_its_readme_works(worker: Cluster) -> None:
    found = EXAMPLE.search(README.read_text())
    assert found is not None
    assert len(found[1].splitlines()) <= 20
    mine = {"CHAT_URL": worker.urls[0], "CHAT_TOKEN": token("ann")}
    output = await run("--input-type=module", variables=mine, text=found[1])
    assert "ann: Hello from Node!" in output


def test_it_needs_nothing_at_run_time_and_names_no_registry() -> None:
    package = json.loads((SDK / "package.json").read_text())
    assert "dependencies" not in package
    assert package["version"] == __version__
    assert '"resolved"' not in (SDK / "package-lock.json").read_text()
