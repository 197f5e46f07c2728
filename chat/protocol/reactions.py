"""What a reaction may be: a short printable text with something to see."""

import unicodedata

from chat.protocol.errors import CommandError, ErrorCode

REACTION_CHARS_MAX = 32
#: Characters that show nothing by themselves and are part of emoji: the joiner, and the tags that
#: spell the flags of regions. Source: Unicode UTS 51.
_PARTS_OF_EMOJI = frozenset({0x200D, *range(0xE0020, 0xE0080)})
#: Where new emoji are added, which the Unicode tables of this Python may not know yet.
_EMOJI_PLANE = range(0x1F000, 0x1FB00)


def check_reaction(reaction: str) -> None:
    """Refuse what is not a short printable text with something to see.

    Raises:
        CommandError: invalid_message.
    """
    seen = [char for char in reaction if ord(char) not in _PARTS_OF_EMOJI]
    if (
        not 1 <= len(reaction) <= REACTION_CHARS_MAX
        or reaction != reaction.strip()
        or not all(char.isprintable() or ord(char) in _EMOJI_PLANE for char in seen)
        or not any(unicodedata.category(char)[0] != "M" for char in seen)
    ):
        raise CommandError(
            ErrorCode.INVALID_MESSAGE,
            f"A reaction is 1 to {REACTION_CHARS_MAX} printable characters.",
        )
