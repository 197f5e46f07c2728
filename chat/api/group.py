"""What all groups of operations have."""

from chat.api.authentication import Guard
from chat.api.services import ApiServices


class Group:
    """Operations that belong together.

    Args:
        services: what they work with.
        guard: lets callers pass.
    """

    def __init__(self, services: ApiServices, guard: Guard) -> None:
        self._services = services
        self._guard = guard
