"""`chat up` with fake workers; the argument is the file that holds their behaviour."""

import asyncio
import os
import sys
from pathlib import Path

from chat.ops import logs
from chat.settings import from_environ
from chat.supervisor import slot
from chat.supervisor.supervisor import Supervisor


async def main() -> int:
    settings = from_environ(os.environ)
    logs.setup(settings)
    slot.REPLACE_TIMEOUT_S = float(os.environ.get("FAKE_REPLACE_TIMEOUT_S", "30"))
    slot.END_GRACE_S = 0.5
    fake_worker = Path(__file__).with_name("fake_worker.py")
    command = [sys.executable, str(fake_worker), sys.argv[1]]
    supervisor = Supervisor(
        settings, worker_command=command, on_ready=lambda _: print("all ready", flush=True)
    )
    return await supervisor.run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
