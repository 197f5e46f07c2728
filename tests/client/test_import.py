"""What the client needs to be installed: two libraries, and nothing of the server."""

import subprocess
import sys

from tests.support.worker import REPOSITORY

PROGRAM = """
import sys

before = set(sys.modules)
import chat.client

loaded = {name for name in set(sys.modules) - before}
tops = {name.split(".")[0] for name in loaded}
ours = {name for name in loaded if name.startswith("chat.") and not name.startswith("chat.client")}
# `typing_extensions` is used by msgspec where it happens to be there.
print(sorted(ours), sorted(tops - set(sys.stdlib_module_names) - {"chat", "typing_extensions"}))
"""


def test_the_client_imports_two_libraries_and_nothing_of_the_server() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] ['msgspec', 'websockets']"
