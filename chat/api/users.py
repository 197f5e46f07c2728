"""Acts on users and tokens in the whole cluster, and the trail of all that moderators did."""

from functools import partial

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import DONE, EVERYWHERE, act_of, answered, require_everywhere
from chat.api.authentication import BODY
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Handler, Operation
from chat.api.query import decode_query
from chat.api.refusals import AUTHENTICATED, WITH_BODY
from chat.broker.audit import Entry
from chat.identity.apikeys import Scope
from chat.moderation.acts import Kind
from chat.protocol.errors import ErrorCode
from chat.protocol.events import Ack
from chat.protocol.moderation import AuditEntry, AuditPage, OnToken, ReadAudit, UserPath, Why


class Users(Group):
    """The operations on users everywhere."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            _act(
                "/api/v1/users/{userId}/disconnect",
                partial(self.on_user, Kind.DISCONNECT),
                "disconnectUser",
                "Disconnect a user",
                "Closes all connections with 4003; tokens stay good.",
            ),
            _act(
                "/api/v1/users/{userId}/revoke",
                partial(self.on_user, Kind.REVOKE_USER),
                "revokeUser",
                "Revoke a user's tokens",
                "Closes all connections with 4002 and refuses every token that was issued up to "
                "this second.",
            ),
            _act(
                "/api/v1/tokens/revoke",
                self.on_token,
                "revokeToken",
                "Revoke one token",
                "Refuses the token with this `jti` and closes its connections with 4002.",
            ),
            Operation(
                path="/api/v1/audit",
                handler=self.audit,
                name="readAudit",
                summary="What moderators did",
                description=(
                    "The acts of moderators, newest first, as many as CHAT_AUDIT_SIZE keeps. An "
                    f"act is noted before it is done. {EVERYWHERE}"
                ),
                command=ReadAudit,
                parameters={
                    "before": "Only entries older than this one: the `before` of the last page.",
                    "limit": "The most entries in the page.",
                },
                answer=AuditPage,
                errors=(*AUTHENTICATED, ErrorCode.UNAVAILABLE),
                scope=Scope.MODERATE,
            ),
        ]

    async def on_user(self, kind: Kind, request: Request) -> Response:
        """Disconnect a user or revoke the user's tokens.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        require_everywhere(caller)
        body = decode_body(request, request.scope[BODY], Why)
        user_id = request.path_params["userId"]
        await self._services.moderation.act(act_of(kind, caller, user_id, body.reason))
        return answered(Ack())

    async def on_token(self, request: Request) -> Response:
        """Revoke a token.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; it may have been done.
        """
        caller = await self._guard.admit(request)
        require_everywhere(caller)
        body = decode_body(request, request.scope[BODY], OnToken)
        act = act_of(Kind.REVOKE_TOKEN, caller, body.tokenId, body.reason)
        await self._services.moderation.act(act)
        return answered(Ack())

    async def audit(self, request: Request) -> Response:
        """Answer a page of the trail.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        require_everywhere(await self._guard.admit(request))
        asked = decode_query(request.scope["query_string"], None, ReadAudit)
        entries = await self._services.moderation.audit.page(asked.before, asked.limit)
        page = AuditPage(
            entries=[_entry(entry) for entry in entries],
            before=entries[-1].entry_id if len(entries) == asked.limit else None,
        )
        return Response(json.encode(page), media_type=JSON)


def _act(path: str, handler: Handler, name: str, summary: str, description: str) -> Operation:
    on_user = "{userId}" in path
    return Operation(
        path=path,
        method="POST",
        handler=handler,
        name=name,
        summary=summary,
        description=f"{description} {EVERYWHERE}",
        command=UserPath if on_user else None,
        parameters={"userId": "The user."} if on_user else {},
        body=Why if on_user else OnToken,
        answer=Ack,
        answers=DONE,
        errors=(*AUTHENTICATED, *WITH_BODY, ErrorCode.UNAVAILABLE),
        scope=Scope.MODERATE,
    )


def _entry(entry: Entry) -> AuditEntry:
    act = entry.act
    on_token = act.kind is Kind.REVOKE_TOKEN
    return AuditEntry(
        entryId=entry.entry_id,
        timestamp=entry.at_ms,
        act=act.kind.value,
        by=act.by,
        userId=None if on_token else act.on or None,
        tokenId=act.on if on_token else None,
        roomId=act.room_id,
        messageId=act.message_id,
        room=act.change,
        durationMs=act.duration_ms,
        role=act.role,
        reason=act.reason,
    )
