"""The Lua scripts, loaded once; a file whose name starts with `_` is a prelude of others.

Every script publishes by the command in its local `PUBLISH`. On a Redis Cluster that is SPUBLISH,
which stays within the shard; so there are two sets of scripts.
"""

import hashlib
from functools import cache
from importlib.resources import files


class Script:
    """One script with its digest, for EVALSHA."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """All scripts.

    Args:
        publish: the command with which they publish, PUBLISH or SPUBLISH.
        news: what is stored is told to `chat hooks` (`_news.lua`).
    """

    def __init__(self, publish: str, *, news: bool = False) -> None:
        self.publish = publish
        head = f"local PUBLISH, NEWS = '{publish}', {str(news).lower()}\n"
        telling = noting = reporting = head
        if news:  # else nobody calls what they have
            told = head + _read("_news")
            telling, noting = told + _read("_stored_news"), told + _read("_events")
            reporting = told + _read("_noted_reports")
        rules, sanctions = _read("_rules"), _read("_sanctions")
        stream = rules + _read("_stream")
        retention = _read("_retention")
        storing = telling + stream + sanctions + retention + _read("_append")
        self.room_publish = Script(storing + _read("room_publish"))
        self.room_fold = Script(storing + _read("room_fold"))
        self.room_change = Script(storing + _read("room_change"))
        self.room_read = Script(stream + retention + _read("room_read"))
        self.member_set = Script(noting + rules + _read("member_set"))
        self.member_sweep = Script(noting + rules + _read("member_sweep"))
        self.member_state = Script(head + rules + _read("member_state"))
        self._add_those_of_users()
        self.roster_change = Script(storing + _read("roster_change"))
        self.listing_set = Script(storing + _read("listing_set"))
        self.roster_read = Script(_read("roster_read"))
        self.roster_settled = Script(_read("roster_settled"))
        self.lease_renew = Script(_read("lease_renew"))
        self.budget_settle = Script(_read("budget_settle"))
        self.node_beat = Script(_read("node_beat"))
        self.node_leave = Script(_read("node_leave"))
        self.node_list = Script(_read("node_list"))
        self.room_sanction = Script(head + sanctions + _read("room_sanction"))
        self.sanction_read = Script(sanctions + _read("sanction_read"))
        self.user_act = Script(head + _read("user_act"))
        self._add_those_of_reports(reporting)
        markers = _read("_markers")
        self.marker_set = Script(head + markers + _read("marker_set"))
        self.marker_read = Script(sanctions + markers + _read("marker_read"))
        if news:
            self._add_those_of_hooks(noting)

    def _add_those_of_users(self) -> None:
        user = _read("_user")
        self.user_presence = Script(user + _read("user_presence"))
        self.user_arrivals = Script(user + _read("user_arrivals"))
        self.room_users = Script(_read("room_users"))
        self.node_alive = Script(_read("node_alive"))

    def _add_those_of_reports(self, reporting: str) -> None:
        reports = _read("_reports")
        self.report_add = Script(reporting + reports + _read("report_add"))
        self.report_resolve = Script(reports + _read("report_resolve"))
        self.report_count = Script(reports + _read("report_count"))

    def _add_those_of_hooks(self, noting: str) -> None:
        self.event_note = Script(noting + _read("event_note"))
        self.event_read = Script(_read("event_read"))
        self.report_read = Script(_read("report_read"))
        self.news_take = Script(_read("news_take"))
        self.due_advance = Script(_read("due_advance"))
        self.share_renew = Script(_read("share_renew"))

    def all(self) -> list[Script]:
        """Return every script, to be loaded."""
        return [script for script in vars(self).values() if isinstance(script, Script)]


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


PLAIN = Scripts("PUBLISH")
SHARDED = Scripts("SPUBLISH")


@cache
def with_news(publish: str) -> Scripts:
    """Return the scripts of a system with webhooks."""
    return Scripts(publish, news=True)
