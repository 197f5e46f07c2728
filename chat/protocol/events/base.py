"""What all events have."""

from msgspec import Struct

#: Where schemas of the protocol lie in our OpenAPI and AsyncAPI documents.
SCHEMA_REF = "#/components/schemas/{name}"


class Event(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of everything the server sends."""
