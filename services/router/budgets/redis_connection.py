"""Connections to the Redis that keeps the counts, which are replaced after a failure.

call -> connections of now -> reply
                           -> failure -> the URL is read again -> new connections for the next call

A pool that is kept would never find a new primary: the old one is a replica then, still answers, and
refuses every write.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import redis.asyncio
import structlog
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from services.router.budgets.redis_url import RedisUrlError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.router.budgets.redis_url import Login, RedisUrl

ReplyT = TypeVar("ReplyT")
_MAX_CALLS = 64
"""Calls at the same time, each on a connection of its own."""
_CODES_OF_DATA = ("ERR", "WRONGTYPE")
_log = structlog.get_logger()


class Connections:
    """The connections that one URL led to, with their number of calls and their last reply."""

    def __init__(self, url: RedisUrl, script: str, timeout_s: float) -> None:
        self._sentinel = _sentinel(url, timeout_s) if url.primary else None
        self.is_cluster = url.is_cluster
        self.redis = (
            _cluster(url, timeout_s) if url.is_cluster else _client(url, self._sentinel, timeout_s)
        )
        self.script = self.redis.register_script(script)
        self.call_count = 0
        self.replied_at_s = 0.0

    async def close(self) -> None:
        """Closes them; one that fails keeps no other open."""
        with suppress(RedisError, OSError):
            await self.redis.aclose()
        if isinstance(self.redis, RedisCluster):
            await _disconnect(self.redis)
        else:
            with suppress(RedisError, OSError):
                await self.redis.connection_pool.disconnect()
        if self._sentinel is not None:
            with suppress(RedisError, OSError):
                await self._sentinel.aclose()


class RedisConnection:
    """Makes calls, each within a time limit.

    Args:
        read_url: Reads the URL; called again after each failure.
        script: The script that calls may run.
        timeout_s: The longest that a call may take, with connecting.

    Raises:
        RedisUrlError: The URL cannot be used now.
    """

    def __init__(self, read_url: Callable[[], RedisUrl], script: str, *, timeout_s: float) -> None:
        self._read_url = read_url
        self._script = script
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(_MAX_CALLS)
        self._url = read_url()
        self._current = self._connections()

    async def call(self, operation: Callable[[Connections], Awaitable[ReplyT]]) -> ReplyT:
        """Returns the reply to an operation.

        Raises:
            RedisError: Redis refuses it, or cannot be reached.
            OSError: Redis cannot be reached.
            TimeoutError: It took too long.
        """
        used: Connections | None = None
        started_s = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                used = self._current
                used.call_count += 1
                reply = await operation(used)
                used.replied_at_s = time.monotonic()
                return reply
        except Exception as error:
            # A call that is too slow among others that are not says nothing about the server.
            is_slow = isinstance(error, TimeoutError)
            if used is self._current and not (
                is_of_data(error) or (is_slow and used.replied_at_s > started_s)
            ):
                self._read_again(error)
            raise
        finally:
            if used is not None:
                used.call_count -= 1
                await self._close_if_replaced(used)

    @property
    def is_cluster(self) -> bool:
        """True if the URL leads to a Cluster: its nodes say themselves who is primary."""
        return self._url.is_cluster

    async def replace(self) -> None:
        """Makes new connections for the calls from now on."""
        used, self._current = self._current, self._connections()
        await self._close_if_replaced(used)

    async def aclose(self) -> None:
        """Closes the connections of now; those before are closed with their last call."""
        await self._current.close()

    def _read_again(self, error: Exception) -> None:
        before = self._url
        try:
            self._url = self._read_url()
        except RedisUrlError as problem:
            _log.error("budget_redis_url_refused", problem=str(problem))
        if self._url == before and isinstance(error, AuthenticationError):
            return  # a new password is not in the file yet; connections with the old one go on
        self._current = self._connections()

    def _connections(self) -> Connections:
        return Connections(self._url, self._script, self._timeout_s)

    async def _close_if_replaced(self, used: Connections) -> None:
        if used is not self._current and not used.call_count:
            await used.close()


def is_of_data(error: BaseException | None) -> bool:
    """Returns whether one tenant's data are at fault: the same call would fail again, others not."""
    return (
        isinstance(error, ResponseError)
        and error_code(error) in _CODES_OF_DATA
        and "user_script" in str(error)
    )


def error_code(error: BaseException) -> str:
    """Returns the code of Redis's reply, such as READONLY; empty for any other error.

    The rest of a reply may repeat the arguments of a command, a password too.
    """
    code = getattr(error, "status_code", None)
    if code is None and isinstance(error, ResponseError):
        code = str(error).partition(" ")[0]
    return code if isinstance(code, str) and code.isalpha() and code.isupper() else ""


def _client(url: RedisUrl, sentinel: Sentinel | None, timeout_s: float) -> redis.asyncio.Redis:
    options: dict[str, Any] = {
        **_login(url.login),
        **_common(timeout_s),
        **(url.tls_files or {}),
        "db": url.database,
    }
    tls = url.tls_files is not None
    if sentinel is not None and url.primary is not None:
        client: redis.asyncio.Redis = sentinel.master_for(url.primary, ssl=tls, **options)
        return client
    if url.socket_path is not None:
        options |= {"connection_class": UnixDomainSocketConnection, "path": url.socket_path}
    else:
        ((host, port),) = url.hosts
        options |= {"connection_class": SSLConnection if tls else Connection}
        options |= {"host": host, "port": port}
    return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(**options))


def _cluster(url: RedisUrl, timeout_s: float) -> RedisCluster:
    options: dict[str, Any] = {
        **_login(url.login),
        **_common(timeout_s),
        **(url.tls_files or {}),
        "ssl": url.tls_files is not None,
    }
    return RedisCluster(startup_nodes=[ClusterNode(*host) for host in url.hosts], **options)


async def _disconnect(cluster: RedisCluster) -> None:
    """Closes the connections to nodes, which the client forgets if it could not open all of them."""
    manager = cluster.nodes_manager
    for node in (*manager.startup_nodes.values(), *manager.nodes_cache.values()):
        with suppress(RedisError, OSError):
            await node.disconnect()


def _sentinel(url: RedisUrl, timeout_s: float) -> Sentinel:
    # Each one may be silent, and the primary is called after them: all within the time of one call.
    share_s = timeout_s / (len(url.hosts) + 1)
    options = {
        **_login(url.sentinel_login),
        **_common(share_s),
        **(url.tls_files or {}),
        "socket_timeout": share_s,
        "ssl": url.tls_files is not None,
    }
    return Sentinel(url.hosts, sentinel_kwargs=options)  # type: ignore[no-untyped-call]


def _login(login: Login) -> dict[str, Any]:
    return {"username": login.username, "password": login.password}


def _common(timeout_s: float) -> dict[str, Any]:
    # No retries: a reservation that is sent twice counts twice.
    return {"socket_connect_timeout": timeout_s, "retry": Retry(NoBackoff(), 0)}
