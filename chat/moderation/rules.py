"""What a moderator may do, capabilities aside: those were checked where the act came from."""

from chat.moderation.acts import TIMED, Act
from chat.protocol.errors import CommandError, ErrorCode


def check(act: Act, longest_s: float) -> None:
    """Refuse what nobody may do.

    Moderators of one room may sanction each other: what a token allows is known only while its
    owner shows it, so there is no list of moderators to spare. Nobody acts on oneself, which also
    keeps a muted moderator from lifting the mute.

    Args:
        act: what is to be done.
        longest_s: longest timed ban or mute.

    Raises:
        CommandError: forbidden, invalid_message.
    """
    if act.by == act.on and act.kind.value != "revoke_token":
        raise CommandError(ErrorCode.FORBIDDEN, "You cannot do that to yourself.")
    if act.duration_ms is None:
        return
    if act.kind not in TIMED:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"A {act.kind.value} has no duration.")
    if act.duration_ms > longest_s * 1000:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE,
            f"`durationMs` is at most {int(longest_s * 1000)}; leave it out for good.",
        )
