"""The body of a request: bounded in size and time, JSON of a known form and nothing else."""

import asyncio
from functools import lru_cache
from typing import Any, TypeVar

from msgspec import DecodeError, Struct, ValidationError, json
from starlette.requests import ClientDisconnect, Request

from chat.api.head import head_of
from chat.api.operations import JSON
from chat.api.problems import HttpCode, RefusedError
from chat.protocol.errors import CommandError, ErrorCode

B = TypeVar("B", bound=Struct)


async def read_body(request: Request, most_bytes: int, timeout_s: float) -> bytes:
    """Return the whole body.

    Raises:
        RefusedError: body_refused, request_timeout.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise RefusedError(
                        HttpCode.BODY_REFUSED, f"The body has more than {most_bytes} bytes."
                    )
    except TimeoutError:
        raise RefusedError(
            HttpCode.REQUEST_TIMEOUT, f"The body did not arrive within {timeout_s:g} s."
        ) from None
    except ClientDisconnect:  # nobody hears this any more; the log says what it was
        raise RefusedError(HttpCode.REQUEST_TIMEOUT, "The request broke off.") from None
    return bytes(body)


def decode_body(request: Request, body: bytes, kind: type[B]) -> B:
    """Return what a body says; unknown fields are ignored, as elsewhere.

    Raises:
        RefusedError: unsupported_media_type.
        CommandError: malformed_json, too_deep, invalid_message.
    """
    types = head_of(request.scope).headers.get_all("Content-Type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != JSON:
        raise RefusedError(HttpCode.UNSUPPORTED_MEDIA_TYPE, f"Send a body of the type {JSON}.")
    try:
        decoded: B = _decoder(kind).decode(body)
    except ValidationError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, str(exc)) from None
    except (DecodeError, UnicodeDecodeError) as exc:
        raise CommandError(ErrorCode.MALFORMED_JSON, str(exc)) from None
    except RecursionError:
        raise CommandError(ErrorCode.TOO_DEEP, "The body is nested too deeply.") from None
    return decoded


@lru_cache(maxsize=64)
def _decoder(kind: type[Struct]) -> json.Decoder[Any]:
    return json.Decoder(kind)
