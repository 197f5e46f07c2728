"""Text of others is harmless on a terminal."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chat.terminal.plain import indented, one_line, plain, plain_json

HARMLESS_CONTROLS = {"\n", "\t"}


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    left = {char for char in plain(text) if unicodedata.category(char) in ("Cc", "Zl", "Zp")}
    assert left <= HARMLESS_CONTROLS
    assert not {char for char in one_line(text) if unicodedata.category(char) == "Cc"}


def test_orders_are_written_out() -> None:
    assert plain("\x1b[2J") == "\\x1b[2J"
    assert plain("\x9b2J\x7f\r") == "\\x9b2J\\x7f\\x0d"
    assert plain("abc\u202etxt.exe") == "abc\\u202etxt.exe"


def test_ordinary_text_of_any_language_stays() -> None:
    for text in ("Grüße, Ωmega", "你好 👋🏽", "שלום", "a\tb\nc"):
        assert plain(text) == text


def test_a_second_line_does_not_look_like_another_message() -> None:
    assert indented("one\ntwo") == "one\n    two"
    assert one_line("ann\nben: hi") == "ann ben: hi"


@given(st.text())
def test_json_means_the_same_and_is_harmless(text: str) -> None:
    made = plain_json(json.dumps({"content": text}, ensure_ascii=False))
    assert json.loads(made) == {"content": text}
    assert not {char for char in made if unicodedata.category(char) == "Cc"}
