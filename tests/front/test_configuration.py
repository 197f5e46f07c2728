"""The configuration loads, on its own and with all that can be set, and says what can be set."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.settings import Settings
from tests.front.certificates import Certificates
from tests.front.checking import check
from tests.support import logs
from tests.support.haproxy import CONFIGURATION, binary, later_binary, servers_file
from tests.support.worker import REPOSITORY


@pytest.mark.parametrize("found", [binary, later_binary])
@pytest.mark.parametrize("front", ["haproxy.cfg", "l4.cfg"])
def test_the_configuration_loads_without_a_warning(
    certificates: Certificates, front: str, found: Callable[[], str | None]
) -> None:
    if (program := found()) is None:
        pytest.skip("no HAProxy from 3.0 on: make later-haproxy")
    fixed = servers_file(logs.new_directory(), ["unix:/run/chat/worker-0.sock", "abns:chat-1"])
    for servers in (CONFIGURATION / "servers-dns.cfg", fixed):
        said = check(certificates, CONFIGURATION / front, servers, program=program)
        assert "[WARNING]" not in said, said


def test_it_loads_with_everything_that_is_off_by_default(
    certificates: Certificates, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{'QUJD' * 16}\n" for _ in range(3)))
    said = check(
        certificates,
        CONFIGURATION / "haproxy.cfg",
        CONFIGURATION / "servers-dns.cfg",
        user="root",
        chroot="/",
        nameserver="127.0.0.1:5353",
        https_options=f"tls-ticket-keys {keys}",
        accept_proxy="1",
    )
    assert "[ALERT]" not in said


def test_the_worker_judges_silence_before_haproxy_does() -> None:
    settings = Settings()
    for name in ("haproxy.cfg", "l4.cfg"):
        found = re.search(r"FRONT_TUNNEL_TIMEOUT-(\d+)s", (CONFIGURATION / name).read_text())
        assert found is not None
        assert int(found[1]) > settings.ping_interval + settings.ping_timeout


def test_every_variable_is_explained_with_its_default() -> None:
    used: dict[str, str] = {}
    off: set[str] = set()  # unless they are set
    for path in CONFIGURATION.glob("*.cfg"):
        for name, default in re.findall(r"\$\{(FRONT_\w+)(?:\[\*\])?-?([^}]*)\}", path.read_text()):
            assert used.setdefault(name, default) == default, f"{name} has two defaults"
        off |= set(re.findall(r"(?:defined\(|streq\(\"\$)(FRONT_\w+)", path.read_text()))
    page = (REPOSITORY / "docs" / "haproxy.md").read_text()
    rows = re.findall(r"^\| `(FRONT_\w+)` \| (?:`([^`]*)`|[^|`]*) \|", page, re.MULTILINE)
    assert dict(rows) == used | dict.fromkeys(off, "")
