"""A real S3-compatible server: SeaweedFS, on loopback ports of its own."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.support import http
from tests.support.closing import Closing
from tests.support.ports import unused_port
from tests.support.waiting import until
from tests.support.worker import Process

_START_TIMEOUT_S = 40.0


class ObjectStore(Process, Closing):
    """One process that is a whole SeaweedFS with one user, who may make buckets by writing."""

    KEY = "chat-test"
    SECRET = "not-a-secret-at-all"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="s3-", dir="/tmp"))
        self.port, *others = (unused_port() for _ in range(8))
        master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3_rpc = others
        users = self.folder / "users.json"
        user = {
            "name": "chat",
            "credentials": [{"accessKey": self.KEY, "secretKey": self.SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        users.write_text(json.dumps({"identities": [user]}))
        command = [
            str(Path(sys.executable).with_name("weed")),
            f"-logdir={self.folder}",
            "server",
            f"-dir={self.folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            f"-master.port.grpc={master_rpc}",
            "-master.volumeSizeLimitMB=16",
            "-master.electionTimeout=1s",
            f"-volume.port={volume}",
            f"-volume.port.grpc={volume_rpc}",
            "-volume.max=8",
            f"-filer.port={filer}",
            f"-filer.port.grpc={filer_rpc}",
            "-s3",
            f"-s3.port={self.port}",
            f"-s3.port.grpc={s3_rpc}",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={users}",
        ]
        super().__init__(command, {}, self.folder / "weed.log")

    @property
    def url(self) -> str:
        """Endpoint of the S3 protocol."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Start it and wait until it answers."""
        self.spawn()
        await until(self._answers, _START_TIMEOUT_S, what="an S3 server")

    async def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"SeaweedFS ended:\n{self.log()[-4000:]}")
        try:
            return (await http.get(self.port, "/status", timeout_s=2.0)).status == 200
        except (OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """End it and remove what it kept."""
        await self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
