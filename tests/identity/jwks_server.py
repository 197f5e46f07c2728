"""A real HTTP server on loopback that serves a JWKS, and can be told to fail."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self


class JwksServer:
    """Serves `body` with `status`; `requests` counts. With `hold` set, answers wait for it."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.location = ""
        self.requests = 0
        self.hold: threading.Event | None = None
        self.raw: bytes | None = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.requests += 1
                if owner.hold is not None:
                    owner.hold.wait(10.0)
                if owner.raw is not None:
                    self.wfile.write(owner.raw)
                    return
                self.send_response(owner.status)
                if owner.location:
                    self.send_header("Location", owner.location)
                self.send_header("Content-Length", str(len(owner.body)))
                self.end_headers()
                self.wfile.write(owner.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
