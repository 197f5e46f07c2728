"""What members have reported: read and resolved by who may moderate everywhere."""

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import DONE, EVERYWHERE, answered, name_of, require_everywhere
from chat.api.authentication import BODY
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.problems import HttpCode, RefusedError
from chat.api.query import decode_query
from chat.api.refusals import AUTHENTICATED, WITH_BODY
from chat.broker.reports import Entry
from chat.identity.apikeys import Scope
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack
from chat.protocol.moderation import (
    ENTRY_ID,
    ListReports,
    Report,
    ReportPath,
    ReportsPage,
    Resolution,
    Resolve,
)


class Reporting(Group):
    """The operations on reports."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/reports",
                handler=self.page,
                name="listReports",
                summary="What members reported",
                description=(
                    "Reported messages, newest first, each with a copy of the message as it was, "
                    f"as many as CHAT_REPORTS_SIZE keeps. {EVERYWHERE}"
                ),
                command=ListReports,
                parameters={
                    "before": "Only reports older than this one: the `before` of the last page.",
                    "limit": "The most reports that are looked at.",
                    "state": (
                        "Only those that are `open`, or `resolved`: a page may then have fewer "
                        "than `limit`, even none, and a successor all the same."
                    ),
                },
                answer=ReportsPage,
                errors=(*AUTHENTICATED, ErrorCode.UNAVAILABLE),
                scope=Scope.MODERATE,
            ),
            Operation(
                path="/api/v1/reports/{reportId}/resolve",
                method="POST",
                handler=self.resolve,
                name="resolveReport",
                summary="Resolve a report",
                description=(
                    "Notes that somebody has looked at it, and what came of it. What was noted "
                    f"first stays: `duplicate` says that it had been resolved. {EVERYWHERE}"
                ),
                command=ReportPath,
                parameters={"reportId": "The report."},
                body=Resolve,
                answer=Ack,
                answers=DONE,
                errors=(*AUTHENTICATED, *WITH_BODY, ErrorCode.UNAVAILABLE, HttpCode.NOT_FOUND),
                scope=Scope.MODERATE,
            ),
        ]

    async def page(self, request: Request) -> Response:
        """Answer a page of reports.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        require_everywhere(await self._guard.admit(request))
        asked = decode_query(request.scope["query_string"], None, ListReports)
        entries = await self._services.reports.page(asked.before, asked.limit)
        wanted = {"open": False, "resolved": True}.get(asked.state or "")
        page = ReportsPage(
            reports=[
                _report(entry)
                for entry in entries
                if wanted is None or wanted is (entry.resolved is not None)
            ],
            before=entries[-1].entry_id if len(entries) == asked.limit else None,
        )
        return Response(json.encode(page), media_type=JSON)

    async def resolve(self, request: Request) -> Response:
        """Resolve a report.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        require_everywhere(caller)
        report_id = request.path_params["reportId"]
        if not ENTRY_ID.match(report_id):
            raise CommandError(ErrorCode.INVALID_MESSAGE, "That is not the id of a report.")
        body = decode_body(request, request.scope[BODY], Resolve)
        reports = self._services.reports
        entry = await reports.find(report_id)
        outcome = (
            None if entry is None else await reports.resolve(entry, name_of(caller), body.note)
        )
        if outcome in (None, "gone"):
            raise RefusedError(HttpCode.NOT_FOUND, "There is no such report, or not any more.")
        return answered(Ack(duplicate=outcome == "dup"))


def _report(entry: Entry) -> Report:
    reported, resolution = entry.reported, None
    if entry.resolved is not None:
        at_ms, resolving = entry.resolved
        resolution = Resolution(by=resolving.by, timestamp=at_ms, note=resolving.note)
    return Report(
        reportId=entry.entry_id,
        timestamp=entry.at_ms,
        by=reported.by,
        reason=reported.reason,
        message=reported.message,
        resolved=resolution,
    )
