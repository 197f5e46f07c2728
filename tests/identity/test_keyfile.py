"""The file of API keys is read again when it changes, and an unusable one changes nothing."""

import logging
import os
from pathlib import Path

import pytest

from chat.identity.apikeys import Scope
from chat.identity.keyfile import KeyFile
from chat.identity.minting import make_key
from chat.settings import Settings, SettingsError


def added(path: Path) -> str:
    return make_key([Scope.READ], ["*"], "", path)[0]


def test_without_the_setting_there_is_no_key(tmp_path: Path):
    keys = KeyFile.from_settings(Settings())
    key = added(tmp_path / "keys")
    assert len(keys) == 0
    assert keys.find(key) is None
    keys.look()


def test_a_file_that_cannot_be_used_at_start_is_a_wrong_setting(tmp_path: Path):
    path = tmp_path / "keys"
    with pytest.raises(SettingsError, match=r"CHAT_API_KEYS_FILE: .*: No such file"):
        KeyFile.from_settings(Settings(api_keys_file=str(path)))
    path.write_text("not a key")
    with pytest.raises(SettingsError, match="line 1"):
        KeyFile.from_settings(Settings(api_keys_file=str(path)))


def test_keys_come_and_go_with_their_lines(tmp_path: Path):
    path = tmp_path / "keys"
    first = added(path)
    keys = KeyFile(path)
    second = added(path)
    assert keys.find(second) is None
    keys.look()
    assert keys.find(first)
    assert keys.find(second)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    keys.look()
    assert keys.find(first) is None
    assert keys.find(second)


def test_a_slip_leaves_the_old_keys_in_force_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "keys"
    key = added(path)
    keys = KeyFile(path)
    whole = path.read_text()
    path.write_text(whole + "oops\n")
    with caplog.at_level(logging.INFO):
        keys.look()
        keys.look()
    assert [record.message for record in caplog.records] == ["api_keys_not_read"]
    assert (keys.is_current, len(keys)) == (False, 1)
    assert keys.find(key)
    path.unlink()
    keys.look()
    assert keys.find(key)
    path.write_text(whole)
    keys.look()
    assert (keys.is_current, len(keys)) == (True, 1)


def test_a_file_that_is_replaced_is_another_even_if_it_looks_the_same(tmp_path: Path):
    path, other = tmp_path / "keys", tmp_path / "other"
    first, second = added(path), added(other)
    keys = KeyFile(path)
    stamp = path.stat()
    other.rename(path)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    keys.look()
    assert keys.find(first) is None
    assert keys.find(second)
