"""Draw a dashboard with Grafana's own components and a Prometheus's answers, into a PNG.

    python -m deploy.grafana.picture.draw http://127.0.0.1:9090 overview overview.png

Needs npm (Grafana's packages, some 600 MB, are installed beside this file) and Chromium, as
the tests do. docs/compose.md says what it shows and what it does not.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from deploy.grafana import dashboards

HERE = Path(__file__).parent
_POINTS = 360
_ADDRESS = "http://picture.invalid/"
_BODY = '<!doctype html><meta charset="utf-8"><div id="root"></div>'
#: By their CommonJS files: what `@grafana/ui` 12.1.0 publishes as modules misses names of its own.
_ALIASES = tuple(
    f"--alias:@grafana/{name}=./node_modules/@grafana/{name}/dist/cjs/index.cjs"
    for name in ("data", "schema", "ui")
)
_LOADERS = ("--loader:.css=text", "--loader:.svg=dataurl", "--loader:.ttf=dataurl")
_NAMES = ("--define:global=window", '--define:process.env.NODE_ENV="production"')


def bundle() -> str:
    """Return the program of the page; what it is made of is installed if it is not there."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("This needs npm.")
    if not (HERE / "node_modules" / "@grafana").exists():
        flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps")
        command = [npm, "install", "--no-package-lock", *flags]
        subprocess.run(command, cwd=HERE, check=True)  # noqa: S603 - of this file alone
    esbuild = [str(HERE / "node_modules" / ".bin" / "esbuild"), "page.jsx", "--jsx=automatic"]
    output = ("--bundle", "--minify", "--log-level=warning", "--outfile=node_modules/page.js")
    command = [*esbuild, *output, *_ALIASES, *_LOADERS, *_NAMES]
    subprocess.run(command, cwd=HERE, check=True)  # noqa: S603 - the same
    return (HERE / "node_modules" / "page.js").read_text()


def answer(prometheus: str, expression: str, since: float, until: float) -> list[Any]:
    """Return the series of a query over a range of seconds since 1970."""
    step_s = max(1, round((until - since) / _POINTS))
    query = {
        "query": expression.replace("$__rate_interval", f"{max(60, 4 * step_s)}s"),
        "start": since,
        "end": until,
        "step": step_s,
    }
    with urlopen(f"{prometheus}/api/v1/query_range?{urlencode(query)}", timeout=30) as said:  # noqa: S310 - an address of the operator's
        series: list[Any] = json.load(said)["data"]["result"]
    return series


def main() -> None:
    """Draw one dashboard."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("prometheus", help="its address")
    parser.add_argument("dashboard", help="name of a file in dashboards/, without its ending")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back")
    options = parser.parse_args()
    page = json.loads(dashboards.pages()[f"{options.dashboard}.json"])
    until = time.time()
    since = until - options.minutes * 60
    given = {
        "dashboard": page,
        "from": since * 1000,
        "to": until * 1000,
        "answers": {
            panel["id"]: [
                answer(options.prometheus, target["expr"], since, until)
                for target in panel["targets"]
            ]
            for panel in page["panels"]
            if panel["type"] != "row"
        },
    }
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": 1600, "height": 1000})
        window.on("pageerror", lambda error: print(error, file=sys.stderr))  # noqa: T201 - it talks to a person
        # Without an address Chromium gives a page no storage, which Grafana's code asks for.
        window.route(_ADDRESS, lambda route: route.fulfill(body=_BODY, content_type="text/html"))
        window.goto(_ADDRESS)
        window.evaluate("given => { window.INPUT = given }", given)
        window.add_script_tag(content=bundle())
        window.wait_for_selector("#page")
        window.wait_for_timeout(1000)  # graphs are drawn a frame after they have their size
        window.locator("#page").screenshot(path=options.picture)
        browser.close()


if __name__ == "__main__":
    main()
