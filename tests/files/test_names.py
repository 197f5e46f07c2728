"""Names of files are shown and offered, and lead nowhere."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chat.files.ids import new_id, type_of
from chat.files.names import MAX_CHARS, clean_name, disposition, filtered_name, url_of


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("tea.png", "tea.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ann\\tea  time.png", "tea time.png"),
        ("", "file"),
        ("/", "file"),
        ("...", "file"),
        (".htaccess", "htaccess"),
        ("a\0b\r\nSet-Cookie: x\x1b[0m", "abSet-Cookie: x[0m"),
        ("annexe\u202egnp.exe", "annexegnp.exe"),
        ("\u00fcber \U0001f600.txt", "\u00fcber \U0001f600.txt"),
        ("x" * 300 + ".jpeg", "x" * (MAX_CHARS - 5) + ".jpeg"),
    ],
)
def test_a_name_is_cleaned(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@hypothesis_settings(deadline=None)
@given(st.text())
def test_no_name_breaks_a_header_or_leaves_its_folder(name: str) -> None:
    clean = clean_name(name)
    assert 1 <= len(clean) <= MAX_CHARS
    assert clean_name(clean) == clean
    assert "/" not in clean
    assert "\\" not in clean
    header = disposition(clean, inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert unquote(header.partition("UTF-8''")[2]) == clean
    assert url_of("id", clean).count("/") == 3


def test_an_id_tells_the_type_and_nothing_else_is_one() -> None:
    made = {new_id("image/svg+xml") for _ in range(100)}
    assert len(made) == 100
    assert {type_of(one) for one in made} == {"image/svg+xml"}
    assert type_of(new_id("application/vnd.ms-excel")) == "application/vnd.ms-excel"
    one = new_id("image/png")
    for wrong in ("", "x", one[1:], one + "\n", f"../{one}", one.replace(".", "/"), one[:33]):
        assert type_of(wrong) is None
    assert len(one.partition(".")[0]) * 6 >= 128


@given(st.text(alphabet="ab_ *", max_size=20))
def test_a_filter_sees_spaces_for_underscores_and_changes_nothing_else(name: str) -> None:
    seen: list[str] = []

    def mask(words: str) -> str:
        seen.append(words)
        return words.replace("a", "*")

    assert filtered_name(name, mask) == name.replace("a", "*")
    assert seen == [name.replace("_", " ")]
