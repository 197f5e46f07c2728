"""Reporting a message without a connection: the same copy, bounds and refusals as there."""

from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import user_of
from chat.api.authentication import BODY
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.idempotency import client_id_of
from chat.api.operations import JSON, Operation
from chat.api.refusals import IN_ROOM, WITH_BODY
from chat.broker.reporting import Reported, report
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.protocol.commands import check_room_id
from chat.protocol.errors import ErrorCode
from chat.protocol.events import Ack, encode_event
from chat.protocol.moderation import InRoom, ReportBody


class MessageReports(Group):
    """The operation that reports."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/rooms/{roomId}/reports",
                method="POST",
                handler=self.report,
                name="reportMessage",
                summary="Report a message",
                description=(
                    "Brings a message before who moderates, with a copy of it as it is now; nobody "
                    "in the room is told. The token has to allow `join` in the room, and the "
                    "report is its user's. An API key reports in the name of `userId`. A user "
                    "reports a message once: asking again changes nothing, whatever the reason, "
                    "even after the message was deleted."
                ),
                command=InRoom,
                parameters={"roomId": "The room."},
                headers={
                    "Idempotency-Key": (
                        "A name for this act, as a quoted string. It is not needed: a report is "
                        "known by its user and its message."
                    )
                },
                body=ReportBody,
                answer=Ack,
                answers={
                    201: "The report is kept.",
                    200: "This user had reported the message before: `duplicate` is true.",
                },
                errors=(*IN_ROOM, *WITH_BODY, ErrorCode.BANNED, ErrorCode.MESSAGE_GONE),
                scope=Scope.PUBLISH,
            )
        ]

    async def report(self, request: Request) -> Response:
        """Keep a report.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been kept.
        """
        services = self._services
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        check_room_id(room_id)
        is_user = isinstance(caller, Identity)
        await self._guard.require(caller, room_id, Action.JOIN if is_user else Action.PUBLISH)
        sent = request.scope[BODY]
        body = decode_body(request, sent, ReportBody)
        client_id_of(request.scope)
        user_id = user_of(caller, body.userId, does="reports")
        if is_user:
            await services.moderation.sanctions.require_admitted(room_id, user_id)
        else:
            self._guard.charge_user(user_id, len(sent))
        is_new = await report(
            services.broker,
            services.reports,
            Reported(user_id, room_id, body.seq, body.messageId, body.reason),
            lambda: self._guard.confirm(caller, room_id),
        )
        services.stats.messages_reported += is_new
        ack = Ack(roomId=room_id, messageId=body.messageId, duplicate=not is_new)
        return Response(encode_event(ack), 201 if is_new else 200, media_type=JSON)
