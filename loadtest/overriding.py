"""A scenario with some of its fields set by the command line. Pure."""

import tomllib
from collections.abc import Iterable
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from loadtest.scenario import Scenario, ScenarioError


def override(scenario: Scenario, settings: Iterable[tuple[str, Any]]) -> Scenario:
    """Return the scenario with fields replaced.

    Args:
        scenario: what to start from.
        settings: paths such as `traffic.messages_per_s`, and values.

    Raises:
        ScenarioError: there is no such field, or the value does not fit it.
    """
    tables: dict[str, Any] = to_builtins(scenario)
    for path, value in settings:
        table = tables
        *parents, field = path.split(".")
        for name in parents:
            if not isinstance(table.get(name), dict):
                if table.get(name, "") is not None:
                    raise ScenarioError(f"A scenario has no table {name!r} in {path!r}.")
                table[name] = {}  # an optional table, such as `storm`
            table = table[name]
        table[field] = value
    try:
        return convert(tables, Scenario)
    except ValidationError as exc:
        raise ScenarioError(f"The scenario does not allow that: {exc}.") from None


def parse_setting(text: str) -> tuple[str, Any]:
    """Read `path=value`; the value is written as in TOML, or is a word.

    Raises:
        ScenarioError: it is not of that form.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError(f"{text!r} is not like traffic.messages_per_s=100.")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value.strip()
