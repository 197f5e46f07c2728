"""What others see of a user, for back ends: whether to send a notification, say."""

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.refusals import AUTHENTICATED
from chat.broker.pages import user_state
from chat.identity.apikeys import Scope
from chat.identity.tokens import Identity
from chat.identity.users import UserError, check_user_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import UserState
from chat.protocol.moderation import UserPath


class Presences(Group):
    """The operation on a user's state."""

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/users/{userId}/presence",
                handler=self.presence,
                name="readUserPresence",
                summary="State of a user",
                description=(
                    "What all devices of a user are together, `online`, `away`, `busy` or "
                    "`offline`, the text that the user wrote, and when an offline user was last "
                    "seen. A user nobody has ever seen is `offline`. A token tells of its own "
                    "user only, an API key has to be for the rooms `*`; members ask about each "
                    "other over a WebSocket."
                ),
                command=UserPath,
                parameters={"userId": "The user."},
                answer=UserState,
                errors=(*AUTHENTICATED, ErrorCode.UNAVAILABLE),
                scope=Scope.READ,
            )
        ]

    async def presence(self, request: Request) -> Response:
        """Answer the state of a user.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        caller = await self._guard.admit(request)
        user_id = request.path_params["userId"]
        try:
            check_user_id(user_id, "`userId`")
        except UserError as exc:
            raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None
        if isinstance(caller, Identity):
            if user_id != caller.user_id:
                raise CommandError(ErrorCode.FORBIDDEN, "A token tells of its own user only.")
        elif not caller.allows(Scope.READ, "*"):
            raise CommandError(
                ErrorCode.FORBIDDEN, "This takes a key with the scope read for all rooms, `*`."
            )
        (record,) = await self._services.presence.read([user_id])
        return Response(json.encode(user_state(user_id, record)), media_type=JSON)
