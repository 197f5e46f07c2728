"""Uploading files for messages."""

import asyncio
import math
import re
import time

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.acting import user_of
from chat.api.authentication import Guard
from chat.api.group import Group
from chat.api.incoming import Incoming, length_of
from chat.api.operations import JSON, Operation
from chat.api.problems import HttpCode, RefusedError
from chat.api.query import decode_query
from chat.api.refusals import IN_ROOM
from chat.api.services import ApiServices
from chat.broker.refusals import busy, unavailable
from chat.files.ids import new_id
from chat.files.intake import Intake, Received, RefusedKindError, TooLargeError
from chat.files.names import clean_name, filtered_name, url_of
from chat.files.storage import StorageError
from chat.identity.access import Action
from chat.identity.apikeys import Scope
from chat.protocol.commands import ATTACHMENTS_MAX, check_room_id
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Attachment
from chat.protocol.http import Upload, UploadRules

_UPLOADS = re.compile(r"/api/v1/rooms/[^/]+/files")


def is_upload(method: str, path: str) -> bool:
    """Whether a request carries a file, whose size has a limit of its own."""
    return method == "POST" and _UPLOADS.fullmatch(path) is not None


class Uploads(Group):
    """The operations on files.

    Args:
        services: shared with all operations.
        guard: says who may.
    """

    def __init__(self, services: ApiServices, guard: Guard) -> None:
        super().__init__(services, guard)
        self._running = 0

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/uploads",
                handler=self.rules,
                name="readUploadRules",
                summary="What may be uploaded",
                description="The limits of this server, for everyone to know before they try.",
                answer=UploadRules,
                errors=(HttpCode.NOT_CONFIGURED,),
                needs_token=False,
            ),
            Operation(
                path="/api/v1/rooms/{roomId}/files",
                method="POST",
                handler=self.upload,
                name="uploadFile",
                summary="Upload a file",
                description=(
                    "Takes the bytes of a file as the body, of at most CHAT_UPLOAD_MAX_BYTES. A "
                    "token has to allow `publish` in the room. What the file is, its content says. "
                    "The answer's `id` goes into the `attachments` of one message in this room by "
                    "the same user, within CHAT_UPLOAD_UNUSED_TTL, and `url` is where everyone "
                    "who knows it gets the file. Pictures lose what a camera noted about place "
                    "and time."
                ),
                command=Upload,
                parameters={
                    "roomId": "The room.",
                    "name": "What the file is called.",
                    "userId": "With an API key, whose file it is; with a token, one's own.",
                },
                takes_bytes=True,
                answer=Attachment,
                answers={201: "The file is stored."},
                errors=(
                    *IN_ROOM,
                    ErrorCode.INVALID_MESSAGE,
                    ErrorCode.CONTENT_REFUSED,
                    HttpCode.REQUEST_TIMEOUT,
                    HttpCode.FILE_TOO_LARGE,
                    HttpCode.FILE_TYPE_REFUSED,
                    HttpCode.NOT_CONFIGURED,
                ),
                scope=Scope.PUBLISH,
            ),
        ]

    # ------------------------------------------------------------------- asking

    async def rules(self, _request: Request) -> Response:
        """Tell the limits.

        Raises:
            RefusedError: nothing may be uploaded.
        """
        rules = UploadRules(
            maxBytes=self._services.settings.upload_max_bytes,
            contentTypes=list(self._intake().kinds),
            maxAttachments=ATTACHMENTS_MAX,
        )
        return Response(json.encode(rules), media_type=JSON)

    # ---------------------------------------------------------------- uploading

    async def upload(self, request: Request) -> Response:
        """Take a file.

        Raises:
            CommandError, RefusedError: the request is refused.
            LinkError: Redis is away; no file is kept.
        """
        body = Incoming(request, self._services.settings.handshake_timeout)
        stats = self._services.stats
        try:
            attachment = await self._taken(request, body)
        except (CommandError, RefusedError) as exc:
            code = exc.code if isinstance(exc, CommandError) else exc.http_code
            stats.uploads[code.value] += 1
            await body.linger()
            raise
        stats.uploads["stored"] += 1
        stats.upload_bytes += attachment.size
        return Response(json.encode(attachment), 201, media_type=JSON)

    async def _taken(self, request: Request, body: Incoming) -> Attachment:
        settings = self._services.settings
        intake = self._intake()
        caller = await self._guard.admit(request)
        room_id = request.path_params["roomId"]
        asked = decode_query(request.scope["query_string"], room_id, Upload)
        check_room_id(room_id)
        await self._guard.require(caller, room_id, Action.PUBLISH)
        user_id = user_of(caller, asked.userId, does="uploads")
        name = self._name(room_id, asked.name)
        length = length_of(request)
        if length is not None and length > settings.upload_max_bytes:
            raise _too_large(settings.upload_max_bytes)
        if length == 0:
            raise CommandError(ErrorCode.INVALID_MESSAGE, "The file is empty.")
        self._charge(user_id, length or settings.upload_max_bytes)
        if self._running >= settings.upload_concurrency:
            raise busy("Too many files are being uploaded, try again.")
        self._running += 1
        self._services.stats.uploads_in_flight = self._running
        try:
            async with asyncio.timeout(settings.upload_timeout):
                async with intake.received(body.chunks()) as received:
                    return await self._kept(room_id, user_id, name, received)
        except TimeoutError:
            raise RefusedError(
                HttpCode.REQUEST_TIMEOUT,
                f"The file did not arrive within {settings.upload_timeout:g} s, or stopped for "
                f"{settings.handshake_timeout:g} s.",
            ) from None
        except TooLargeError:
            raise _too_large(settings.upload_max_bytes) from None
        except RefusedKindError as exc:
            raise RefusedError(HttpCode.FILE_TYPE_REFUSED, str(exc)) from None
        except StorageError as exc:
            self._services.stats.storage_failed(exc)
            raise unavailable(exc) from None
        finally:
            self._running -= 1
            self._services.stats.uploads_in_flight = self._running

    async def _kept(self, room_id: str, user_id: str, name: str, received: Received) -> Attachment:
        files = self._services.broker.files
        picture = received.picture
        file_id = new_id(received.kind)
        attachment = Attachment(
            id=file_id,
            name=name,
            contentType=received.kind,
            size=received.size,
            url=url_of(file_id, name),
            width=None if picture is None else picture.width,
            height=None if picture is None else picture.height,
        )
        await files.expect(room_id, file_id)
        await self._intake().storage.put(file_id, received.path)
        await files.offer(room_id, user_id, json.decode(json.encode(attachment)))
        return attachment

    def _name(self, room_id: str, asked: str) -> str:
        """Return what a file is called, as others may see it.

        Raises:
            CommandError: content_refused.
        """
        name, screening = clean_name(asked), self._services.screening
        if screening is None:
            return name
        return filtered_name(name, lambda words: screening.filtered(room_id, words, "file name"))

    def _intake(self) -> Intake:
        intake = self._services.intake
        if intake is None:
            raise RefusedError(HttpCode.NOT_CONFIGURED, "Nothing can be uploaded to this server.")
        return intake

    def _charge(self, user_id: str, size: int) -> None:
        wait_s = self._services.upload_budgets.charge(user_id, 1, size, 0, time.monotonic())
        if wait_s > 0.0:
            self._services.stats.rate_limited += 1
            raise CommandError(
                ErrorCode.RATE_LIMITED,
                "You have uploaded too much at once: wait a little.",
                retry_after_ms=math.ceil(wait_s * 1000),
            )


def _too_large(most: int) -> RefusedError:
    return RefusedError(HttpCode.FILE_TOO_LARGE, f"A file may have {most} bytes at most.")
