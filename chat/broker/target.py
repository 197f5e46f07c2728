"""Where Redis is: CHAT_REDIS_URL read once, into one of three forms.

    redis://  rediss://  unix://                                    one server
    redis+sentinel://h1:26379,h2:26379/0?service=chat               a master that Sentinels name
    redis+cluster://h1:6379,h2:6379                                 a Redis Cluster, 7.0 or later

With `rediss+sentinel` and `rediss+cluster` every connection is TLS. User and password stand before
the hosts; Sentinels with a password of their own take `sentinel_username` and `sentinel_password`
from the query, and TLS takes `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile`, as redis-py does.
"""

import ssl
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import parse_url

from chat.settings import SettingsError

SENTINEL_PORT = 26379
REDIS_PORT = 6379
_FORMS = (
    "redis://, rediss://, unix://, redis+sentinel://h1:p,h2:p/0?service=NAME "
    "or redis+cluster://h1:p,h2:p"
)
#: Options of the query and what they are kept as.
_OPTIONS = frozenset(
    {
        "service",
        "sentinel_username",
        "sentinel_password",
        "ssl_ca_certs",
        "ssl_certfile",
        "ssl_keyfile",
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """One server: a host and port, or the path of a unix socket."""

    host: str = "localhost"
    port: int = REDIS_PORT
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for TLS; empty means the system's authorities and no certificate of our own."""

    ca_certs: str = ""
    certfile: str = ""
    keyfile: str = ""

    def context(self) -> ssl.SSLContext:
        """Read the files anew, so that rotated ones count from the next connection on.

        Raises:
            OSError: a file cannot be read, or is not a certificate.
        """
        context = ssl.create_default_context(cafile=self.ca_certs or None)
        if self.certfile:
            context.load_cert_chain(self.certfile, self.keyfile or None)
        return context


@dataclass(frozen=True, slots=True)
class Access:
    """How a connection introduces itself."""

    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Standalone:
    """One server."""

    address: Address
    access: Access


@dataclass(frozen=True, slots=True)
class Sentinel:
    """Servers of which the Sentinels say which is the master."""

    sentinels: tuple[Address, ...]
    service: str
    access: Access
    sentinel_access: Access


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Redis Cluster, entered by any of its nodes."""

    seeds: tuple[Address, ...]
    access: Access


Target = Standalone | Sentinel | Cluster


def parse_target(url: str) -> Target:
    """Read a Redis URL.

    Raises:
        SettingsError: it can never work; the text does not repeat it, as it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    plain, _, form = scheme.partition("+")
    if not separator or (form and plain not in ("redis", "rediss")):
        raise _wrong()
    if not form:
        (parsed,) = _parse(scheme, [rest])
        return Standalone(_address(parsed, REDIS_PORT), _access(parsed, plain))
    user, at, places = rest.rpartition("@")
    end = min((places.find(mark) for mark in "/?" if mark in places), default=len(places))
    hosts, others = places[:end], places[end:]
    each = _parse(plain, [f"{user}{at}{host}{others}" for host in hosts.split(",")])
    access = _access(each[0], plain)
    if form == "cluster":
        if access.database:
            raise SettingsError("CHAT_REDIS_URL: a Redis Cluster has database 0 only.")
        return Cluster(tuple(_address(parsed, REDIS_PORT) for parsed in each), access)
    if form != "sentinel":
        raise _wrong()
    service = each[0].get("service", "")
    if not service:
        raise SettingsError("CHAT_REDIS_URL: redis+sentinel:// needs ?service=NAME.")
    return Sentinel(
        tuple(_address(parsed, SENTINEL_PORT) for parsed in each),
        service,
        access,
        Access(
            each[0].get("sentinel_username", ""),
            each[0].get("sentinel_password", ""),
            tls=access.tls,
        ),
    )


def _parse(scheme: str, places: list[str]) -> list[dict[str, Any]]:
    try:
        each: list[dict[str, Any]] = [dict(parse_url(f"{scheme}://{place}")) for place in places]
    except ValueError:
        raise _wrong() from None
    for parsed in each:
        if not 0 < parsed.get("port", REDIS_PORT) < 65536:
            raise _wrong()
        if len(places) > 1 and not parsed.get("host"):
            raise _wrong()
        for name in parsed.keys() - _OPTIONS:
            if name not in (
                "host", "port", "path", "db", "username", "password", "connection_class",
            ):  # fmt: skip
                raise SettingsError(f"CHAT_REDIS_URL: there is no option {name!r}.")
    return each


def _address(parsed: dict[str, Any], default_port: int) -> Address:
    if "path" in parsed:
        return Address("", 0, parsed["path"])
    return Address(parsed.get("host") or "localhost", parsed.get("port") or default_port)


def _access(parsed: dict[str, Any], scheme: str) -> Access:
    tls = None
    if scheme == "rediss":
        tls = Tls(
            parsed.get("ssl_ca_certs", ""),
            parsed.get("ssl_certfile", ""),
            parsed.get("ssl_keyfile", ""),
        )
    return Access(
        parsed.get("username") or "",
        parsed.get("password") or "",
        int(parsed.get("db") or 0),
        tls,
    )


def _wrong() -> SettingsError:
    return SettingsError(f"CHAT_REDIS_URL has to be of the form {_FORMS}.")
