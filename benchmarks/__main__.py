"""`python -m benchmarks`: all benchmarks in turn, each in a process of its own."""

import subprocess
import sys

NAMES = ("memory", "handshakes", "fanout", "small_rooms", "publish", "wait", "agent", "clients")


def main() -> int:
    """Run them all, also after one has failed; return how many failed."""
    failed = []
    for name in NAMES:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
