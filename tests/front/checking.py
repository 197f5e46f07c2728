"""HAProxy's own check of a configuration, `haproxy -c`."""

import os
import subprocess
from pathlib import Path

from tests.front.certificates import Certificates
from tests.support import logs
from tests.support.haproxy import binary


def check(
    certificates: Certificates, *files: Path, program: str | None = None, **front: str
) -> str:
    """Have HAProxy check files; return all that it says."""
    folder = logs.new_directory()
    variables = {
        "FRONT_CERTS": f"{certificates.folder}/",
        "FRONT_SOCKET": f"{folder}/admin.sock",
        **{f"FRONT_{name.upper()}": text for name, text in front.items()},
    }
    arguments = [word for path in files for word in ("-f", str(path))]
    done = subprocess.run(  # noqa: PLW1510 - what it says is part of the failure
        [program or binary(), "-c", *arguments],
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        timeout=50,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
