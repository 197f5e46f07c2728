"""The shipped scenarios, and what is said about those that are wrong."""

from pathlib import Path

import pytest

from loadtest.overriding import override, parse_setting
from loadtest.scenario import SHIPPED, ScenarioError, load

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def test_the_usual_scenarios_are_shipped() -> None:
    assert set(NAMES) >= {
        "broadcast-storm",
        "chat-mix",
        "churn",
        "direct-rooms",
        "huge-room",
        "idle-hold",
        "million",
        "reconnect-storm",
        "slow-consumers",
        "soak",
        "token-expiry",
        "typing-storm",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_is_sane(name: str) -> None:
    scenario = load(name)

    assert scenario.title
    assert len(scenario.description) > 80, "says what it shows"
    limits = scenario.thresholds
    assert limits.delivery_p99_ms or limits.connect_p99_ms, "judges a latency"
    assert not scenario.traffic.messages_per_s or limits.delivery_p99_ms
    if scenario.storm is not None:
        assert limits.recovery_s is not None
        assert scenario.storm.at_s + limits.recovery_s <= scenario.hold_s, "it ends in the hold"
    if scenario.tokens.ttl_s < scenario.hold_s:
        assert scenario.tokens.refresh


@pytest.mark.parametrize("name", [name for name in NAMES if name != "million"])
def test_all_but_the_million_suit_a_laptop(name: str) -> None:
    scenario = load(name)

    assert scenario.connections.count <= 5000
    assert scenario.connections.ramp_per_s <= 300


def test_the_million_are_a_million_in_rooms_of_five() -> None:
    scenario = load("million")

    assert (scenario.connections.count, scenario.rooms.size) == (1_000_000, 5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = 1\n[connections]\ncount = 1", "Expected `str`, got `int`"),
        ("title = 'x'\n[connections]\ncount = 0", "Expected `int` >= 1"),
        ("title = 'x'\n[connections]\ncount = 1\ncuont = 2", "unknown field `cuont`"),
        ("title = 'x'", "missing required field `connections`"),
        ("title = ", "Invalid value"),
    ],
)
def test_a_wrong_scenario_is_refused_in_a_sentence(
    text: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    with pytest.raises(ScenarioError) as refused:
        load(str(path))

    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_field_can_be_set_from_outside() -> None:
    settings = [
        parse_setting(text)
        for text in ("connections.count=50", "rooms.shape=one", "storm.at_s=1.5", 'title="x y"')
    ]

    scenario = override(load("chat-mix"), settings)

    assert scenario.connections.count == 50
    assert scenario.connections.ramp_per_s == load("chat-mix").connections.ramp_per_s
    assert scenario.rooms.shape == "one"
    assert scenario.storm is not None
    assert scenario.storm.at_s == 1.5
    assert scenario.title == "x y"


@pytest.mark.parametrize("text", ["nonsense", "=3", "connections.count=0", "a.b=1", "title.x=1"])
def test_a_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError):
        override(load("chat-mix"), [parse_setting(text)])
