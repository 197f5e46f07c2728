"""What holds for every address: the page, methods, sizes, browsers from elsewhere, the log."""

import asyncio

import pytest

from tests.api.conftest import Site, StartApi
from tests.api.site import Answer, Api
from tests.support import http
from tests.support.tokens import token
from tests.support.waiting import DEFAULT_TIMEOUT_S, until

DATA = "/api/v1/rooms/lobby/presence"
ELSEWHERE = "https://chat.example"
#: What the gateway says of one answer, or of one connection, and uvicorn in its own way.
PER_ANSWER = {"date", "connection"}


async def raw(api: Api, request: bytes, timeout_s: float = DEFAULT_TIMEOUT_S) -> bytes:
    """Send bytes and return all that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(-1), timeout_s)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def open_connections(api: Api, wanted: int) -> bool:
    """Whether the server sees that many."""
    page = (await http.get(api.ops_port, "/metrics")).body
    return f"\nchat_api_connections {wanted}.0\n" in page


async def asked(api: Api, method: str, path: str, **headers: str) -> http.Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.request(method, api.port, path, headers=fields)


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/style.css", "/favicon.ico"])
async def test_the_page_is_the_one_that_workers_serve(site: Site, path: str) -> None:
    here = await http.get(site.api.port, path)
    there = await http.get(site.worker.port, path)
    assert here.status == there.status == 200
    assert here.body == there.body
    for name, value in there.headers.items():
        if name not in PER_ANSWER:
            assert here.headers[name] == value
    assert "script-src 'self'" in here.headers["content-security-policy"]


async def test_health_says_that_it_is_there_and_no_more(site: Site) -> None:
    answer = await site.api.ask("/api/v1/health", None)
    assert (answer.status, answer.body) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/", "/docs", "/api/openapi.json", "/api/v1/health"])
async def test_head_has_the_length_and_no_body(site: Site, path: str) -> None:
    whole = await asked(site.api, "GET", path)
    head = await asked(site.api, "HEAD", path)
    assert (head.status, head.body) == (200, "")
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize("path", ["/", DATA, "/api/v1/health"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_other_methods_are_refused(site: Site, path: str, method: str) -> None:
    answer = await asked(site.api, method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert '"method_not_allowed"' in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/static/",
        "/static/../settings.py",
        "/docs/",
        "/api/v1/rooms/a%2Fb/history",
        "//",
    ],
)
async def test_what_is_not_there_is_a_problem(site: Site, path: str) -> None:
    answer = await site.api.ask(path, None)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_every_answer_has_the_security_headers(site: Site) -> None:
    page = await http.get(site.worker.port, "/")
    for path in ("/", "/nothing", "/docs", DATA, "/api/v1/health"):
        answer = await http.get(site.api.port, path)
        for name in ("content-security-policy", "x-content-type-options", "referrer-policy"):
            assert answer.headers[name] == page.headers[name]


async def test_a_body_is_refused_unread(site: Site) -> None:
    for head in (b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"):
        request = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n"
        answer = await raw(site.api, request)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b'"body_refused"' in answer


async def test_a_body_beyond_the_limit_is_refused(start_api: StartApi) -> None:
    api = await start_api(max_message_bytes=1000)
    post = b"POST /api/v1/rooms/lobby/messages HTTP/1.1\r\nHost: x\r\n"
    told = await raw(api, post + b"Content-Length: 1001\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413")
    chunk = b"64\r\n" + b" " * 100 + b"\r\n"
    streamed = await raw(api, post + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 11)
    assert streamed.startswith(b"HTTP/1.1 413")
    assert b'"body_refused"' in streamed


@pytest.mark.slow
async def test_a_body_that_does_not_end_is_cut(start_api: StartApi) -> None:
    api = await start_api(handshake_timeout=1.0)
    head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    answer = await raw(api, head)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


async def test_a_body_where_nothing_takes_one_ends_the_connection(site: Site) -> None:
    head = b"POST /api/v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    answer = await raw(site.api, head)
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"allow: GET, HEAD" in answer
    assert b"connection: close" in answer


async def test_a_client_that_asks_before_it_sends_its_body_is_told_to(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    bearer = token("ann")
    head = f"POST {DATA.replace('presence', 'messages')} HTTP/1.1\r\nHost: x\r\n"
    head += f"Authorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
    head += "Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b'{"content":"x"}')
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 201")
    writer.close()


async def test_connections_are_kept_after_a_body(site: Site) -> None:
    body = b'{"content":"x"}'
    path = DATA.replace("presence", "messages").encode()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n"
    request = head % (path, token("ann").encode(), len(body))
    both = request + b"\r\n" + body + request + b"Connection: close\r\n\r\n" + body
    assert (await raw(site.api, both)).count(b"HTTP/1.1 201") == 2


async def test_an_empty_body_is_none(site: Site) -> None:
    assert (await asked(site.api, "GET", "/api/v1/health", Content_Length="0")).status == 200


async def test_a_head_beyond_the_limit_is_refused(start_api: StartApi) -> None:
    api = await start_api(max_header_bytes=2048)
    large = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 10_000
    assert (await raw(api, large)).startswith(b"HTTP/1.1 400")


@pytest.mark.slow
async def test_a_client_that_does_not_finish_its_request_is_cut(start_api: StartApi) -> None:
    api = await start_api(handshake_timeout=1.0)
    assert await raw(api, b"") == b""
    assert await raw(api, b"GET / HTTP/1.1\r\nHost:") == b""


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_cut(start_api: StartApi) -> None:
    api = await start_api(handshake_timeout=1.0)
    _, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)

    async def ask_on_and_on() -> None:
        while True:
            writer.write(b"GET /static/app.js HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on_and_on(), 40.0)
    writer.close()
    assert (await http.get(api.port, "/api/v1/health")).status == 200


async def test_a_full_server_says_when_to_come_back(start_api: StartApi) -> None:
    api = await start_api(api_max_connections=1, handshake_timeout=60.0)
    _, idle = await asyncio.open_connection("127.0.0.1", api.port)
    await until(lambda: open_connections(api, 1))
    answer = await api.ask("/api/v1/health", None)
    assert (answer.status, answer.code) == (503, "busy")
    assert answer.headers["retry-after"] == "1"
    idle.close()
    await until(lambda: open_connections(api, 0))
    assert (await api.ask("/api/v1/health", None)).status == 200


async def test_connections_far_beyond_the_limit_are_cut(start_api: StartApi) -> None:
    api = await start_api(api_max_connections=1, handshake_timeout=60.0)
    held = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(2)]
    assert await raw(api, b"", 20.0) == b""  # sooner than silence would be
    for _, writer in held:
        writer.close()


async def test_connections_are_kept_for_the_next_request(site: Site) -> None:
    request = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await raw(site.api, request + request + last)).count(b"HTTP/1.1 200") == 3


# ------------------------------------------------------- browsers from elsewhere


async def test_a_page_of_an_allowed_origin_may_read(start_api: StartApi) -> None:
    api = await start_api(allowed_origins=ELSEWHERE)
    preflight = await asked(
        api,
        "OPTIONS",
        DATA,
        Origin=ELSEWHERE,
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="authorization",
    )
    assert (preflight.status, preflight.body) == (204, "")
    assert preflight.headers["access-control-allow-origin"] == ELSEWHERE
    methods = preflight.headers["access-control-allow-methods"].split(", ")
    assert methods == ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    allowed = preflight.headers["access-control-allow-headers"].split(", ")
    assert set(allowed) >= {"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"}
    answer = await api.ask(DATA, "ann", {"Origin": ELSEWHERE})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == ELSEWHERE
    assert answer.headers["vary"] == "Origin"
    refused = await api.ask(DATA, None, {"Origin": ELSEWHERE})
    assert refused.headers["access-control-allow-origin"] == ELSEWHERE


@pytest.mark.parametrize("allowed", ["", ELSEWHERE])
async def test_a_page_of_another_origin_may_not(start_api: StartApi, allowed: str) -> None:
    api = await start_api(allowed_origins=allowed)
    other = "https://evil.example"
    preflight = await asked(api, "OPTIONS", DATA, Origin=other, Access_Control_Request_Method="GET")
    assert preflight.status == 403
    answer = await api.ask(DATA, "ann", {"Origin": other})
    assert (answer.status, answer.code) == (403, "forbidden")
    for found in (preflight, answer):
        assert not any(name.startswith("access-control") for name in found.headers)


async def test_the_own_page_may_read_without_being_listed(site: Site) -> None:
    own = {"Origin": f"http://127.0.0.1:{site.api.port}"}
    assert (await site.api.ask(DATA, "ann", own)).status == 200


# ------------------------------------------------------------------------ log


async def test_the_log_has_a_line_per_request_without_query_or_token(start_api: StartApi) -> None:
    api = await start_api(log_format="json", trusted_proxies="127.0.0.1")
    answer: Answer = await api.ask(
        f"{DATA}?limit=7&secret=hidden", "ann", {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    )
    assert answer.status == 200
    log = api.log()
    [line] = [line for line in log.splitlines() if '"request"' in line]
    assert '"address":"203.0.113.9"' in line
    assert f'"path":"{DATA}"' in line
    assert '"status":200' in line
    assert "hidden" not in log
    assert "limit=7" not in log
    assert token("ann").split(".")[0] not in log


async def test_a_path_cannot_forge_a_line_of_the_log(start_api: StartApi) -> None:
    api = await start_api()
    await api.ask("/x%0Aforged%1b[2J", None)
    assert "path=/x%0Aforged%1b[2J" in api.log()


async def test_a_forwarded_address_is_not_believed_from_anyone(start_api: StartApi) -> None:
    api = await start_api(log_format="json")
    await api.ask("/api/v1/health", None, {"X-Forwarded-For": "203.0.113.9"})
    assert '"address":"127.0.0.1"' in api.log()
    assert "203.0.113.9" not in api.log()
