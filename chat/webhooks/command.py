"""`chat hooks`: deliver, or say whether that could be done."""

import argparse
from collections.abc import Callable, Sequence

from chat.settings import Settings
from chat.webhooks.endpoints import Endpoint, read_endpoints


def checked(
    options: argparse.Namespace, settings: Settings, say: Callable[[str], None]
) -> "Sequence[Endpoint]":
    """Return the endpoints; with --check say which they are.

    Raises:
        SettingsError: one is wrong, or there are none.
    """
    endpoints = read_endpoints(settings)
    if options.check:
        for endpoint in endpoints:
            secrets = f"{len(endpoint.secrets)} secret{'s' if len(endpoint.secrets) > 1 else ''}"
            kinds = ", ".join(sorted(endpoint.kinds))
            rooms = ", ".join(endpoint.rooms)
            say(f"{endpoint.name}  {endpoint.url}  {secrets}\n  rooms: {rooms}\n  events: {kinds}")
    return endpoints
