"""Verdicts are remembered for a while, and no more than so many."""

from chat.protocol.screening import Allow, Refuse
from chat.screening.memory import Memory


def test_a_verdict_is_found_until_its_time_is_over() -> None:
    memory = Memory(most=2, life_s=10.0)
    memory.keep("q", Refuse("no"), 0.0)
    assert memory.find("q", 9.9) == Refuse("no")
    assert memory.find("q", 10.0) is None
    assert memory.find("other", 0.0) is None


def test_the_oldest_gives_way() -> None:
    memory = Memory(most=2, life_s=10.0)
    for question in "abac":
        memory.keep(question, Allow(), 0.0)
    assert [memory.find(question, 0.0) is not None for question in "abc"] == [True, False, True]
    assert len(memory) == 2
