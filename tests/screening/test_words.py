"""The word filter finds words however they are written, and leaves everything else as it is."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.screening.plain import plain
from chat.screening.words import MAX_RULES, Words, WordsError, parse_rules

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)
LETTERS = st.text(
    alphabet="abcdeß\u00e9\u0301\u212b\uff22\u0915\u093f\u1112\u1161\u11ab", min_size=1, max_size=8
)


def words(*lines: str) -> Words:
    return Words(parse_rules("\n".join(lines)))


@pytest.mark.parametrize(
    ("line", "said", "stored"),
    [
        ("mask bad", "a bad word", "a *** word"),
        ("mask bad", "BAD, Bad!", "***, ***!"),
        ("mask bad", "badly, a_bad, bad2", "badly, a_bad, bad2"),
        ("mask bad", "\uff22\uff21\uff24", "***"),
        ("mask bad", "b\u00adad b\u200bad", "**** ****"),
        ("mask straße", "STRASSE straße", "******* ******"),
        ("mask café", "cafe\u0301 CAFÉ cafe", "***** **** cafe"),
        ("mask हिन्दी", "हिन्दी हिन्दीा", "****** हिन्दीा"),
        ("mask 한", "\u1112\u1161\u11ab", "***"),
        ("mask go away", "Go  AWAY, go and away", "********, go and away"),
        ("mask ﬁsh", "fish", "****"),
        ("mask /f[o0]+/", "FO0 foo food", "*** *** ***d"),
        ("mask /ab/\nmask /bcd/", "abcd", "****"),
        ("mask /x*y?b/", "xxb", "***"),
        ("mask /(?P<n>a)1/\nmask /(?P<n>b)1/", "a1b1", "****"),
        ("# bad\n\nmask good", "bad", "bad"),
    ],
)
def test_words_are_masked(line: str, said: str, stored: str) -> None:
    assert words(line).applied(said) == stored


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("block bad", "so BAD"),
        ("block get lost", "Get lost!"),
        ("block /b.d/", "b d"),
        ("mask bad\nblock worse", "bad and worse"),
        ("mask bad\nblock /bad/", "bad"),
        ("block bad\nmask bad", "bad"),
    ],
)
def test_words_block_and_blocking_goes_first(line: str, said: str) -> None:
    assert words(line).applied(said) is None


@pytest.mark.parametrize(
    "document",
    [
        "bad",
        "block",
        "mask   ",
        "drop bad",
        "block !!!",
        "block /(/",
        "block /a*/",
        "block /(?=a)b/",
        "block /((a{100}){100}){100}/",
        "block " + "x" * 501,
        "block " + "a " * 17,
        "block a\n" * (MAX_RULES + 1),
        "block /a/\n" * 501,
    ],
    ids=range(13),
)
def test_a_file_that_is_none_is_refused(document: str) -> None:
    with pytest.raises(WordsError):
        Words(parse_rules(document))


def test_a_pattern_that_would_take_an_ordinary_engine_forever_does_not() -> None:
    began_s = time.process_time()
    said = "a" * 8192
    assert words("block /(a+)+$b/", "mask /(a|aa)+c/").applied(said) == said
    assert time.process_time() - began_s < 1.0


def test_thousands_of_marks_on_one_letter_take_no_longer_than_as_many_letters() -> None:
    began_s = time.process_time()
    said = "e" + "\u0301" * 8191
    assert words("mask bad").applied(said) == said
    assert time.process_time() - began_s < 1.0


@given(TEXTS)
def test_without_words_nothing_changes(text: str) -> None:
    assert words().applied(text) == text
    assert words("mask a word that nobody says", "mask /qqq+/").applied(text) == text


@given(TEXTS, LETTERS)
def test_masking_keeps_the_length_and_all_that_is_not_masked(text: str, word: str) -> None:
    try:
        filter_ = words(f"mask {word}")
    except WordsError:
        return  # no word in it
    said = f"{text} {word} {text}"
    stored = filter_.applied(said)
    assert stored is not None
    assert len(stored) == len(said)
    assert all(new in (old, "*") for old, new in zip(said, stored, strict=True))
    assert filter_.applied(stored) == stored


@given(LETTERS)
def test_a_word_is_found_in_every_form_of_unicode(word: str) -> None:
    try:
        filter_ = words(f"block {word}")
    except WordsError:
        return
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert filter_.applied(f"- {unicodedata.normalize(form, word)} -") is None


@given(TEXTS)
def test_every_character_to_compare_has_its_source(text: str) -> None:
    found = plain(text)
    if found.starts is None or found.ends is None:
        assert len(found.text) == len(text)
        return
    assert len(found.text) == len(found.starts) == len(found.ends)
    assert all(
        0 <= start < end <= len(text) for start, end in zip(found.starts, found.ends, strict=True)
    )
    assert found.starts == sorted(found.starts)
