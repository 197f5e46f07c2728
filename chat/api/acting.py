"""What operations that act have in common."""

from starlette.responses import Response

from chat.api.authentication import Caller
from chat.api.operations import JSON
from chat.identity.access import Action
from chat.identity.apikeys import PREFIX, Scope
from chat.identity.tokens import Identity
from chat.identity.users import UserError, check_user_id
from chat.moderation.acts import Act, Kind
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack, encode_event

EVERYWHERE = "The token has to allow `moderate` for the pattern `*`."
DONE = {200: "It is stored, and told to the whole cluster."}


def require_everywhere(caller: Caller) -> None:
    """Let pass who may act on users wherever they are.

    Raises:
        CommandError: forbidden.
    """
    if isinstance(caller, Identity):
        allowed = caller.capabilities.allows_everywhere(Action.MODERATE)
    else:
        allowed = caller.allows(Scope.MODERATE, "*")
    if not allowed:
        raise CommandError(ErrorCode.FORBIDDEN, "This takes `moderate` for the pattern `*`.")


def act_of(
    kind: Kind,
    caller: Caller,
    on: str,
    reason: str | None,
    *,
    room_id: str | None = None,
    duration_ms: int | None = None,
) -> Act:
    """Return what is to be done.

    Raises:
        CommandError: invalid_message, if nobody can be called so.
    """
    if kind is not Kind.REVOKE_TOKEN:
        try:
            check_user_id(on, "`userId`")
        except UserError as exc:
            raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None
    return Act(
        kind=kind,
        by=name_of(caller),
        on=on,
        room_id=room_id,
        reason=reason,
        duration_ms=duration_ms,
    )


def name_of(caller: Caller) -> str:
    """Return who is said to have done something: a user, or `chatkey_` and the id of a key."""
    return caller.user_id if isinstance(caller, Identity) else f"{PREFIX}{caller.id}"


def user_of(caller: Caller, named: str | None, *, does: str) -> str:
    """Return in whose name a caller acts: a token's own user, or the one that an API key names.

    Args:
        caller: who asks.
        named: `userId` of the request.
        does: what is done, as in "A token uploads as its own user."

    Raises:
        CommandError: forbidden, invalid_message.
    """
    if isinstance(caller, Identity):
        if named not in (None, caller.user_id):
            raise CommandError(ErrorCode.FORBIDDEN, f"A token {does} as its own user.")
        return caller.user_id
    if named is None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"With an API key `userId` says who {does}.")
    try:
        check_user_id(named, "`userId`")
    except UserError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None
    return named


def answered(ack: Ack) -> Response:
    """Say that it is done."""
    return Response(encode_event(ack), media_type=JSON)
