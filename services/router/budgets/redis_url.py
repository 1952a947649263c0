"""Reads the URL of the Redis that keeps the counts. No message holds a part of it: it has passwords.

`redis://user:password@host:6379/0`, `rediss://...` for TLS, `unix:///path?db=0`,
`redis+sentinel://user:password@host:26379,host:26379/primary/0`, `rediss+sentinel://...`, and
`redis+cluster://user:password@host:6379,host:6379`, `rediss+cluster://...`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REDIS_PORT, _SENTINEL_PORT = 6379, 26379
_MAX_PORT = 65_535
_SCHEMES = (
    *("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
    *("redis+cluster", "rediss+cluster"),
)
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SENTINEL_LOGIN = ("sentinel_username", "sentinel_password")


class RedisUrlError(ValueError):
    """Raised for a URL that cannot be used; the text says why, without any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and its password; None where there is none."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """One server, the Sentinels that know it, or a Cluster."""

    hosts: tuple[tuple[str, int], ...] = ()
    """The server, the Sentinels, or some nodes of the Cluster; none for a Unix socket."""
    is_cluster: bool = False
    socket_path: str | None = None
    """The path of the Unix socket."""
    primary: str | None = None
    """The name of the server among the Sentinels; None without Sentinels."""
    database: int = 0
    login: Login = Login()
    sentinel_login: Login = Login()
    tls_files: Mapping[str, str] | None = None
    """The arguments of redis-py for TLS; None for plain text."""


def read_redis_url(path: Path) -> RedisUrl:
    """Returns the URL that a file holds.

    Raises:
        RedisUrlError: The file cannot be read, or holds no such URL.
    """
    try:
        return parse_redis_url(path.read_text(encoding="utf-8").strip())
    except RedisUrlError as error:
        problem = str(error)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
    except UnicodeError:
        problem = "it is not UTF-8"
    raise RedisUrlError(f"{path} does not contain the URL of a Redis: {problem}")


def parse_redis_url(text: str) -> RedisUrl:
    """Returns the parts of a URL, checked, with the files that it names.

    Raises:
        RedisUrlError: It cannot be used.
    """
    if not text.isprintable() or " " in text:
        raise RedisUrlError("it has a space, a second line or a control character")
    scheme, _, rest = text.partition("://")
    if scheme not in _SCHEMES:
        raise RedisUrlError(f"it must begin with one of {', '.join(f'{s}://' for s in _SCHEMES)}")
    if "#" in rest:
        raise RedisUrlError("it has a #; write %23 in a user or password")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    login, _, hosts = authority.rpartition("@")
    parameters = _parameters(scheme, query)
    tls_files = _tls_files(parameters) if scheme.startswith("rediss") else None
    if scheme == "unix":
        return RedisUrl(
            socket_path=f"/{unquote(path)}",
            database=_database(parameters.get("db", "")),
            login=_login(login),
        )
    if scheme.endswith("+sentinel"):
        primary, _, database = path.partition("/")
        if not primary:
            raise RedisUrlError("it does not name the primary: /NAME/0 after the Sentinels")
        return RedisUrl(
            hosts=tuple(_host(host, _SENTINEL_PORT) for host in hosts.split(",")),
            primary=unquote(primary),
            database=_database(parameters.get("db", database)),
            login=_login(login),
            sentinel_login=Login(
                username=parameters.get("sentinel_username"),
                password=parameters.get("sentinel_password"),
            ),
            tls_files=tls_files,
        )
    if scheme.endswith("+cluster"):
        if _database(parameters.get("db", path)):
            raise RedisUrlError("it names a database; a Cluster has only database 0")
        return RedisUrl(
            hosts=tuple(_host(host, _REDIS_PORT) for host in hosts.split(",")),
            is_cluster=True,
            login=_login(login),
            tls_files=tls_files,
        )
    if "," in hosts:
        raise RedisUrlError("it names several hosts; only Sentinels and nodes may be several")
    return RedisUrl(
        hosts=(_host(hosts, _REDIS_PORT),),
        database=_database(parameters.get("db", path)),
        login=_login(login),
        tls_files=tls_files,
    )


def _parameters(scheme: str, query: str) -> Mapping[str, str]:
    allowed = ["db"]
    allowed += _TLS_FILES if scheme.startswith("rediss") else ()
    allowed += _SENTINEL_LOGIN if scheme.endswith("+sentinel") else ()
    try:
        parameters = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        raise RedisUrlError("the part after ? is no list of name=value") from None
    if not parameters.keys() <= set(allowed):
        text = "(write %3F for a ? in a password)"
        raise RedisUrlError(f"it may have the parameters {', '.join(allowed)} only {text}")
    return parameters


def _login(text: str) -> Login:
    username, _, password = text.partition(":")
    return Login(username=unquote(username) or None, password=unquote(password) or None)


def _host(text: str, default_port: int) -> tuple[str, int]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    try:
        host.encode("idna")
        number = int(port) if port else default_port
    except ValueError:
        number = 0
    if not host or not 0 < number <= _MAX_PORT:
        # Not the text itself: it may be the end of a password.
        escapes = "a password is written with %2F for /, %3A for : and %40 for @"
        raise RedisUrlError(f"it has a host that is not HOST or HOST:PORT; {escapes}")
    return host, number


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal()):
        raise RedisUrlError("its database is not a number")
    return int(text or 0)


def _tls_files(parameters: Mapping[str, str]) -> Mapping[str, str]:
    given = {name: parameters[name] for name in _TLS_FILES if name in parameters}
    context = ssl.create_default_context()
    try:
        if "ssl_ca_certs" in given:
            context.load_verify_locations(given["ssl_ca_certs"])
        if "ssl_certfile" in given:
            context.load_cert_chain(given["ssl_certfile"], given.get("ssl_keyfile"))
    except OSError as error:
        names = ", ".join(given)
        raise RedisUrlError(f"a file of {names} cannot be used: {error.strerror}") from None
    return given
