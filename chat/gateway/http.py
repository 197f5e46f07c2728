"""Plain HTTP responses on the public port, for the page and for refusals."""

import email.utils

from websockets.datastructures import Headers
from websockets.http11 import Response

#: Nothing inline, nothing from elsewhere: a script that gets into a message cannot run.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: On every answer, of a worker and of the HTTP side alike.
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PHRASES = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def response(
    status: int,
    body: bytes,
    content_type: str = "text/plain; charset=utf-8",
    *,
    retry_after_s: int | None = None,
    cache: str = "no-store",
) -> Response:
    """Build a complete response; the connection closes after it."""
    headers = Headers(
        {
            "Date": email.utils.formatdate(usegmt=True),
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Content-Type": content_type,
            "Cache-Control": cache,
            **SECURITY_HEADERS,
        }
    )
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Response(status, PHRASES[status], headers, body)


def sentence(status: int, text: str, *, retry_after_s: int | None = None) -> Response:
    """Build a plain-text response of one sentence."""
    return response(status, (text + "\n").encode(), retry_after_s=retry_after_s)
