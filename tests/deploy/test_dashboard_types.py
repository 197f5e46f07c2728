"""The dashboards against the types that Grafana publishes, as TypeScript's compiler judges them.

Grafana itself cannot be had where the tests run. `dashboard.ts` says what a dashboard of ours is in
the words of `@grafana/schema`; each page is written into a program as a literal of that type.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.grafana import dashboards
from tests.clients.node import node
from tests.support.worker import REPOSITORY

pytestmark = pytest.mark.slow

INSTALLED = REPOSITORY / ".venv" / "grafana"
TYPES = Path(__file__).with_name("dashboard.ts")
#: That of docker-compose.yml, and the newest one when this was written. `make grafana-schema`.
VERSIONS = ("12.1.0", "13.2.3")
OPTIONS = """
{
  "compilerOptions": {
    "strict": true, "noEmit": true, "skipLibCheck": true, "types": [],
    "module": "esnext", "target": "es2022", "moduleResolution": "bundler",
    "allowImportingTsExtensions": true,
    "paths": {
      "panels/stat": ["./PANELS/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts"],
      "panels/timeseries": ["./PANELS/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts"]
    }
  }
}
""".replace("PANELS", "node_modules/@grafana/schema/dist/esm/raw/composable")
#: What is wrong with a page, and how it is made so.
FAULTS = {
    "a value that does not exist": ('"placement": "bottom"', '"placement": "botom"'),
    "an option that does not exist": ('"graphMode"', '"grafMode"'),
    "an option that is missing": ('"showLegend": true,', ""),
    "a field that does not exist": ('"unit":', '"units":'),
    "a unit that does not exist": ('"unit": "s"', '"unit": "seconds"'),
    "a number as text": ('"fillOpacity": 10', '"fillOpacity": "10"'),
    "a panel that does not exist": ('"type": "stat"', '"type": "state"'),
    "a heading without its fold": ('"collapsed": false,', ""),
    "a query without a name": ('"refId"', '"refid"'),
    "no version of the schema": ('"schemaVersion": 39,', ""),
}


def program(page: str) -> str:
    return f'import type {{ Page }} from "./dashboard.ts";\nexport const page: Page = {page};\n'


def compiled(folder: Path, version: str) -> dict[str, str]:
    """Compile all pages and all faults at once; return what is wrong, by the file's name."""
    packages = INSTALLED / version / "node_modules"
    compiler = INSTALLED / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
    if not packages.exists() or not compiler.exists():
        pytest.skip("`make grafana-schema`, which needs npm")
    (folder / "node_modules").symlink_to(packages)
    (folder / "dashboard.ts").write_text(TYPES.read_text())
    (folder / "tsconfig.json").write_text(OPTIONS)
    pages = dashboards.pages()
    for name, page in pages.items():
        (folder / name).with_suffix(".ts").write_text(program(page))
    for number, (right, wrong) in enumerate(FAULTS.values()):
        page = pages["webhooks.json"]
        assert right in page
        (folder / f"fault{number}.ts").write_text(program(page.replace(right, wrong)))
    done = subprocess.run(
        [node(), str(compiler), "--project", str(folder), "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if error := re.match(r"([\w-]+)\.ts\(\d+,\d+\): error", line):
            found.setdefault(error[1], line[:400])
    assert found or not done.stdout, done.stdout[:2000]
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_dashboard_is_one_by_the_types_of_grafana(tmp_path: Path, version: str) -> None:
    wrong = compiled(tmp_path, version)

    faults = {name for name in wrong if name.startswith("fault")}
    assert {name: line for name, line in wrong.items() if name not in faults} == {}
    assert faults == {f"fault{number}" for number in range(len(FAULTS))}, "it lets faults pass"


def test_the_version_that_the_stack_runs_is_among_those() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    assert services["grafana"]["image"].rpartition(":")[2] in VERSIONS
