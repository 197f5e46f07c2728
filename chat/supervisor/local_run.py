"""A run on this machine only: what `--local` fills in, and what it keeps in the data folder.

`chat up --local` signs with a key of its own and starts a Redis and an HTTP side of its own. It
keeps the key and the address of that Redis in its folder, where a `chat api --local` finds them: so
all serve one cluster with nothing to set. As the key stays, tokens outlive a restart, and open
pages come back.
"""

import ipaddress
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import structs

from chat.settings import Settings, SettingsError, is_given, variable

#: Operations port of `chat api --local`, as `chat up` has the default one.
API_OPS_PORT = 9110
_SECRET_BYTES = 48


class LocalRun:
    """The folder of a run with `--local`, as the processes of the run use it.

    Its files say what the run made by itself: what it was given is not in them.

    Args:
        folder: where the data is, `--data-dir`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._secret = self._folder / "secret"
        self._redis_url = self._folder / "redis-url"
        self._api_keys = self._folder / "api-keys"

    def for_workers(self, settings: Settings) -> Settings:
        """Return the settings of workers that give tokens to anyone on this machine.

        Raises:
            SettingsError: others could reach them, or the folder cannot be used.
        """
        if not _is_loopback(settings.host):
            raise SettingsError(
                f"--local gives tokens to anyone who asks, so CHAT_HOST must be a loopback "
                f"address, not {settings.host!r}."
            )
        with self._usable():
            if settings.jwt_secret:
                self._secret.unlink(missing_ok=True)
            elif not self._secret.exists():
                self._secret.touch(mode=0o600)
                self._secret.write_text(secrets.token_urlsafe(_SECRET_BYTES) + "\n")
        return structs.replace(
            settings,
            local_mode=True,
            jwt_secret=settings.jwt_secret or self._read(self._secret, "jwt_secret"),
            allowed_origins=_with_own_page(settings.allowed_origins, settings.port),
        )

    def started(self, redis_url: str | None) -> None:
        """Note where the Redis of this run is; None if it is not the run's own.

        Raises:
            SettingsError: the folder cannot be used.
        """
        with self._usable():
            if redis_url is None:
                self._redis_url.unlink(missing_ok=True)
            else:
                self._redis_url.write_text(redis_url + "\n")

    def for_api(self, settings: Settings, environ: Mapping[str, str]) -> Settings:
        """Return the settings of an HTTP side beside those workers; what `environ` gives stays.

        Raises:
            SettingsError: nothing has been started in the folder, or it cannot be used.
        """
        found: dict[str, object] = {
            "allowed_origins": _with_own_page(settings.allowed_origins, settings.api_port)
        }
        if not settings.jwt_secret:
            found["jwt_secret"] = self._read(self._secret, "jwt_secret")
        if not is_given(environ, "redis_url"):
            found["redis_url"] = self._read(self._redis_url, "redis_url")
        if not is_given(environ, "ops_port"):
            found["ops_port"] = API_OPS_PORT
        if not is_given(environ, "api_drain_delay"):
            found["api_drain_delay"] = 0.0  # no balancer has to notice first
        return structs.replace(settings, **found, **self._kept(settings))

    def environ_of_api(self, settings: Settings) -> dict[str, str]:
        """Return what an HTTP side started with those workers needs besides their variables.

        Raises:
            SettingsError: the folder cannot be used.
        """
        own: dict[str, object] = {
            "local_mode": False,
            "local_api_port": 0,
            "api_drain_delay": 0.0,  # no balancer has to notice first
            **self._kept(settings),
        }
        return {variable(name): str(value) for name, value in own.items()}

    def _kept(self, settings: Settings) -> dict[str, str]:
        """Return where an HTTP side keeps files and finds keys, unless it is said."""
        found = {}
        if not settings.upload_store:
            found["upload_store"] = str(self._folder / "files")
        if not settings.api_keys_file:
            with self._usable():
                self._api_keys.touch(mode=0o600)
            found["api_keys_file"] = str(self._api_keys)
        return found

    def _read(self, path: Path, setting: str) -> str:
        if not path.exists():
            raise SettingsError(
                f"Nothing has been started in {self._folder} yet, or it was started with "
                f"{variable(setting)}: say `make run` first, name its folder with --data-dir, or "
                "set the same here."
            )
        with self._usable():
            return path.read_text().strip()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as exc:
            raise SettingsError(
                f"Cannot use the data folder {self._folder}: {exc.strerror or exc}."
            ) from exc


def _with_own_page(allowed: str, port: int) -> str:
    """Return origins with those of our own page: who lets a site of theirs in keeps it."""
    if not allowed:
        return ""
    return ",".join([allowed, *(f"http://{name}:{port}" for name in ("localhost", "127.0.0.1"))])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
