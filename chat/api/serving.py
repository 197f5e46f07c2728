"""Handing files out to whoever knows where they are."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from chat.api.head import head_of
from chat.api.operations import route
from chat.api.problems import HttpCode, RefusedError
from chat.api.services import ApiServices
from chat.broker.refusals import unavailable
from chat.files.ids import type_of
from chat.files.kinds import INLINE
from chat.files.names import clean_name, disposition
from chat.files.storage import StorageError, Stored

_YEAR_S = 31_536_000
_POLICY = "default-src 'none'; sandbox"


class FileServing:
    """Where files are read; the addresses come with messages.

    Args:
        services: shared with all operations.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [route("/files/{fileId}/{name}", self.serve)]

    async def serve(self, request: Request) -> Response:
        """Hand out a file. Its address is a secret that only those know who may read it.

        Raises:
            RefusedError: there is no such file.
            CommandError: the storage is away.
        """
        file_id = request.path_params["fileId"]
        kind = type_of(file_id)
        intake = self._services.intake
        if kind is None or intake is None:
            raise _nothing_here()
        headers = self._headers(file_id, kind, clean_name(request.path_params["name"]))
        if headers["ETag"] in head_of(request.scope).headers.get_all("If-None-Match"):
            return Response(status_code=304, headers=headers)
        try:
            stored = await intake.storage.open(file_id)
        except StorageError as exc:
            self._services.stats.storage_failed(exc)
            raise unavailable(exc) from None
        if stored is None:
            raise _nothing_here()
        return _answer(stored, headers)

    def _headers(self, file_id: str, kind: str, name: str) -> dict[str, str]:
        return {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "Content-Disposition": disposition(name, inline=kind in INLINE),
            "Content-Security-Policy": _POLICY,
            # Pages from elsewhere that may use this server may show its pictures.
            "Cross-Origin-Resource-Policy": (
                "cross-origin" if self._services.settings.allowed_origins else "same-origin"
            ),
            # Private: what is deleted here does not live on in a cache for all.
            "Cache-Control": f"private, max-age={_YEAR_S}, immutable",
            "ETag": f'"{file_id.partition(".")[0]}"',
        }


def _answer(stored: Stored, headers: dict[str, str]) -> Response:
    if isinstance(stored.source, AsyncIterator):
        return StreamingResponse(
            stored.source, headers={**headers, "Content-Length": str(stored.size)}
        )
    return FileResponse(stored.source, headers=headers)


def _nothing_here() -> RefusedError:
    return RefusedError(HttpCode.NOT_FOUND, "There is no such file, or no more.")
