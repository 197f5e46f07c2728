"""Run a command that gets SIGTERM when its parent dies: `python -m chat.supervisor.tethered CMD`.

For the embedded Redis, which would outlive a killed supervisor. Linux only; elsewhere the command
just runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the command.

    Args:
        arguments: process id of the parent, then the command.
    """
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent is gone already")
    os.execv(command[0], command)  # noqa: S606 - the caller chose the program


if __name__ == "__main__":
    main(sys.argv[1:])
