"""Who types: told to the others, throttled, forgotten, never stored."""

import time

from tests.integration.conftest import Connect
from tests.integration.talk import of_type
from tests.support.cluster import Cluster


async def test_typing_is_told_to_the_others_and_not_to_oneself(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    phone = await connect(pair[1], "ann", room)
    others = [await connect(pair[n], f"other{n}", room) for n in range(2)]
    answer = await ann.command("typing", roomId=room, isTyping=True)
    assert answer["type"] == "ack"
    for other in others:
        event = await other.wait_for("typing")
        assert event == {
            "type": "typing",
            "roomId": room,
            "userId": "ann",
            "isTyping": True,
            "expiresInMs": 1000,
        }
    await others[0].say(room, "goes the same way")
    await phone.wait_for("chat_message")
    await ann.wait_for("chat_message")
    assert not of_type(ann, "typing")
    assert not of_type(phone, "typing")


async def test_typing_is_throttled_per_user_and_room(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    began_s = time.monotonic()
    for _ in range(20):
        assert (await ann.command("typing", roomId=room))["type"] == "ack"
    took_s = time.monotonic() - began_s
    await ann.say(room, "enter")
    await ben.wait_for("typing")
    await ben.wait_for("chat_message")
    # One, unless this machine is very slow: then one every half second, and that it ended.
    assert len(of_type(ben, "typing")) <= 3 + 3 * took_s


async def test_who_stops_typing_is_told_at_once(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    await ann.command("typing", roomId=room, isTyping=True)
    await ann.command("typing", roomId=room, isTyping=False)
    await ben.wait_for(lambda event: event["type"] == "typing" and event["isTyping"])
    stopped = await ben.wait_for("typing")
    assert stopped["isTyping"] is False
    assert "expiresInMs" not in stopped


async def test_typing_expires_by_itself(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    await ann.command("typing", roomId=room, isTyping=True)
    await ben.wait_for(lambda event: event["type"] == "typing" and event["isTyping"])
    await ben.wait_for(lambda event: event["type"] == "typing" and not event["isTyping"], 30.0)


async def test_typing_is_not_stored(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann", room)
    await ann.command("typing", roomId=room)
    page = await ann.command("history", roomId=room)
    assert (page["messages"], page["headSeq"]) == ([], 0)


async def test_switching_typing_on_and_off_does_not_get_around_the_throttle(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    began_s = time.monotonic()
    for number in range(20):
        await ann.command("typing", roomId=room, isTyping=number % 2 == 0)
    took_s = time.monotonic() - began_s
    await ann.say(room, "enter")
    await ben.wait_for("chat_message")
    # On and off once, unless this machine is very slow: then on and off every half second.
    assert len(of_type(ben, "typing")) <= 6 + 4 * took_s
