"""The page's files: all that it asks for is served, in a checkout and in an installed package."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urljoin

import pytest

from chat.gateway.page import load_page

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "clients" / "js" / "src"
IMPORTS = re.compile(r'(?:from|import) "([^"]+)"')
PRELOADED = re.compile(r'rel="modulepreload" href="([^"]+)"')
ASKS_FOR = re.compile(r'''(?:from |import |src=|href=)"([^"#]+)"''')


def test_whatever_the_page_asks_for_is_served() -> None:
    page = load_page()
    asked, seen = ["/"], set()
    while asked:
        path = asked.pop()
        if path in seen:
            continue
        seen.add(path)
        content_type, body = page[path]
        if content_type.startswith("text/"):
            names = ASKS_FOR.findall(body.decode())
            asked += [urljoin(path, name) for name in names if not name.startswith("https:")]
    assert "/static/app.js" in seen
    assert "/static/sdk/index.js" in seen
    assert "/static/sdk/connection.js" in seen


def test_modules_come_as_scripts_and_nothing_comes_from_elsewhere() -> None:
    for path, (content_type, body) in load_page().items():
        if path.endswith(".js"):
            assert content_type == "text/javascript; charset=utf-8"
            assert b"https://" not in body, path


def test_no_module_waits_for_another_to_be_asked_for() -> None:
    page = load_page()
    imports = {
        path: {urljoin(path, name) for name in IMPORTS.findall(body.decode())}
        for path, (_, body) in page.items()
        if path.endswith(".js")
    }
    needed: set[str] = set()
    asked = ["/static/app.js"]
    while asked:
        for path in imports[asked.pop()] - needed:
            needed.add(path)
            asked.append(path)
    assert needed == set(PRELOADED.findall(page["/"][1].decode()))


@pytest.mark.slow
@pytest.mark.timeout(180)  # what builds the package is fetched first
def test_an_installed_package_carries_the_sdk_as_it_is_in_the_checkout(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        prefix = "chat/web/sdk/"
        names = {name for name in packed.namelist() if name.startswith(prefix)}
        assert names == {f"{prefix}{path.name}" for path in SDK.iterdir()}
        assert all(packed.read(name) == (SDK / Path(name).name).read_bytes() for name in names)
