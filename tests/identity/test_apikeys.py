"""API keys: found by themselves only, kept as hashes, bound to scopes and rooms."""

import itertools
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from chat.identity.apikeys import (
    PREFIX,
    ApiKey,
    ApiKeys,
    Entry,
    KeyFileError,
    Scope,
    new_key,
    parse_entries,
    read_entries,
)
from chat.identity.minting import KeyRequestError, make_key
from chat.protocol.patterns import Pattern

PATTERNS = st.text("ab*", min_size=1, max_size=5)


def key_for(*rooms: str) -> ApiKey:
    return ApiKey(new_key([Scope.PUBLISH], rooms)[1])


def test_a_key_is_found_by_itself_and_by_nothing_else():
    key, entry = new_key([Scope.READ], ["*"])
    other, _ = new_key([Scope.READ], ["*"])
    keys = ApiKeys([entry])
    found = keys.find(key)
    assert found is not None
    assert found.id == entry.id
    for wrong in (other, key[:-1], key + "x", key.upper(), key[len(PREFIX) :], f"{key}\n", ""):
        assert keys.find(wrong) is None
    secret_of_other = f"{key[: len(PREFIX) + 13]}{other[len(PREFIX) + 13 :]}"
    assert len(secret_of_other) == len(key)
    assert keys.find(secret_of_other) is None


def test_neither_the_file_nor_the_object_holds_the_key():
    key, entry = new_key([Scope.READ], ["*"])
    secret = key.rsplit("_", 1)[1] if "_" in key[len(PREFIX) + 13 :] else key[len(PREFIX) + 13 :]
    assert secret not in json.encode(entry).decode()
    assert secret not in repr(entry)


def test_no_two_keys_are_alike():
    made = [new_key([Scope.READ], ["*"]) for _ in range(100)]
    assert len({key for key, _ in made}) == len({entry.id for _, entry in made}) == 100


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_does_not_imply_another(scope: Scope):
    key = ApiKey(new_key([scope], ["*"])[1])
    assert [each for each in Scope if key.allows(each, "lobby")] == [scope]


def test_a_key_is_bound_to_its_rooms():
    key = key_for("news-*", "lobby")
    assert key.allows(Scope.PUBLISH, "news-today")
    assert key.allows(Scope.PUBLISH, "lobby")
    assert not key.allows(Scope.PUBLISH, "lobby2")
    assert not key_for().allows(Scope.PUBLISH, "lobby")


@pytest.mark.parametrize(
    ("rooms", "pattern", "is_covered"),
    [
        (("*",), "*", True),
        (("news-*",), "*", False),
        (("news-*",), "news-*", True),
        (("news-*",), "news-*-de", True),
        (("news-*",), "news-today", True),
        (("news-*",), "news", False),
        (("news-today",), "news-*", False),
        (("a*c",), "a*bc", True),
        (("a*c",), "a*", False),
    ],
)
def test_patterns_of_tokens_have_to_lie_within_those_of_the_key(
    rooms: tuple[str, ...], pattern: str, is_covered: bool
):
    assert key_for(*rooms).covers(pattern) == is_covered


@given(PATTERNS, PATTERNS)
def test_a_pattern_that_is_covered_matches_nothing_that_the_key_does_not(own: str, asked: str):
    if not key_for(own).covers(asked):
        return
    rooms = ("".join(room) for size in range(7) for room in itertools.product("ab", repeat=size))
    inner, outer = Pattern(asked), Pattern(own)
    assert all(outer.matches(room) for room in rooms if inner.matches(room))


# -------------------------------------------------------------------- the file


LINE = json.encode(new_key([Scope.READ], ["*"])[1])


@given(st.lists(st.sampled_from(list(Scope)), min_size=1), st.lists(PATTERNS, max_size=5))
def test_what_is_written_is_read(scopes: list[Scope], rooms: list[str]):
    _, entry = new_key(scopes, rooms, "cms")
    assert parse_entries(b"# a remark\n\n" + json.encode(entry) + b"\r\n") == [entry]


@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda noise: LINE + noise))
def test_any_file_is_keys_or_a_refusal_with_the_line(document: bytes):
    refused = ""
    entries: list[Entry] = []
    try:
        entries = parse_entries(document)
    except KeyFileError as exc:
        refused = str(exc)
    assert refused.startswith("line ") or all(isinstance(entry, Entry) for entry in entries)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (LINE + b"\n" + LINE, "line 2: this id is there twice"),
        (b"{}", "line 1"),
        (b'{"id":"x"}', "line 1"),
        (LINE.replace(b"read", b"fly"), "line 1: Invalid enum value"),
        (LINE.replace(b"scopes", b"scope"), "line 1"),
        (LINE.replace(b'["read"]', b"[]"), "line 1"),
        (b"[" * 100_000, "line 1: Expected"),
    ],
)
def test_a_line_that_is_wrong_is_named(document: bytes, why: str):
    with pytest.raises(KeyFileError, match=why):
        parse_entries(document)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(KeyFileError, match="No such file"):
        read_entries(tmp_path / "missing")
    (tmp_path / "large").write_bytes(b"#" * 2_000_000)
    with pytest.raises(KeyFileError, match="larger"):
        read_entries(tmp_path / "large")


# ------------------------------------------------------------------- making keys


def test_a_made_key_is_in_its_file_and_the_file_is_its_owners(tmp_path: Path):
    path = tmp_path / "keys"
    key, line = make_key([Scope.PUBLISH], ["news-*"], "cms", path)
    assert path.read_text() == f"{line}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = ApiKeys(read_entries(path)).find(key)
    assert found is not None
    assert found.allows(Scope.PUBLISH, "news-1")


def test_keys_are_added_behind_what_is_there(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text("# ours")  # without a line end
    made = [make_key([Scope.READ], ["*"], "", path)[0] for _ in range(3)]
    keys = ApiKeys(read_entries(path))
    assert len(keys) == 3
    assert all(keys.find(key) for key in made)
    assert path.read_text().startswith("# ours\n{")


@pytest.mark.parametrize(
    ("scopes", "rooms", "note", "why"),
    [
        ([Scope.PUBLISH], [], "", "--room"),
        ([Scope.READ], [""], "", "no key"),
        ([Scope.READ], ["*"], "n" * 201, "no key"),
    ],
)
def test_what_makes_no_key_is_refused(
    tmp_path: Path, scopes: list[Scope], rooms: list[str], note: str, why: str
):
    with pytest.raises(KeyRequestError, match=why):
        make_key(scopes, rooms, note, tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_statistics_need_no_room():
    key, line = make_key([Scope.STATISTICS], [], "", None)
    assert ApiKeys(parse_entries(line.encode())).find(key) is not None


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(KeyRequestError, match="No such file"):
        make_key([Scope.READ], ["*"], "", tmp_path / "missing" / "keys")
