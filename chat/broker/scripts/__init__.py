"""The Lua scripts, loaded once; a file whose name starts with `_` is a prelude of others."""

import hashlib
from importlib.resources import files


class Script:
    """One script with its digest, for EVALSHA."""

    def __init__(self, name: str, prelude: str = "") -> None:
        self.source = prelude + _read(name)
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


_STREAM = _read("_stream")

ROOM_PUBLISH = Script("room_publish", _STREAM)
ROOM_READ = Script("room_read", _STREAM)
MEMBER_SET = Script("member_set")
MEMBER_SWEEP = Script("member_sweep")
LEASE_RENEW = Script("lease_renew")
BUDGET_SETTLE = Script("budget_settle")
NODE_BEAT = Script("node_beat")
NODE_LEAVE = Script("node_leave")
NODE_LIST = Script("node_list")

ALL = (
    ROOM_PUBLISH,
    ROOM_READ,
    MEMBER_SET,
    MEMBER_SWEEP,
    LEASE_RENEW,
    BUDGET_SETTLE,
    NODE_BEAT,
    NODE_LEAVE,
    NODE_LIST,
)
