"""Access to Redis: TLS, a user with a password that changes, and what is refused at the start."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.redis_url import RedisUrlError
from services.router.budgets.store import Hold, Settlement
from services.router.types.amounts import Amount, TenantLimits, Window
from services.rpc.breaker import Breaker
from tests.integration.certificates import Certificates, issue
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis, running_sentinel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.router.budgets.redis_store import RedisStore

ONE = Amount(1, 100, 50)
OLD, NEW = "an-old-password", "a-new-password"
PAGE = Path(__file__).parents[4] / "docs/budgets.md"


def documented_rights() -> list[str]:
    """Returns the rights of the user in docs/budgets.md."""
    found = re.search(r"^user routemoa on >PASSWORD (.+)$", PAGE.read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


@contextmanager
def running(*options: str, port: int) -> Iterator[RedisServer]:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(Path(folder), *options, port=port) as server,
    ):
        yield server


@asynccontextmanager
async def opened(url: str | Path, *, timeout_s: float = 5.0) -> AsyncIterator[RedisStore]:
    breaker = Breaker(open_s=0.05)
    async with open_redis_store(url, timeout_s=timeout_s, breaker=breaker) as store:
        yield store


async def pay(store: RedisStore, hold_id: str) -> None:
    hold = Hold(id=hold_id, amount=ONE)
    admission = await store.reserve("t", TenantLimits(), [hold], 60_000)
    store.settle(Settlement(tenant_id="t", hold_id=hold_id, at_ms=admission.at_ms, used=ONE))


async def spent(store: RedisStore) -> int | None:
    async with asyncio.timeout(60):
        await store.settler.empty()
    return (await store.usage("t")).windows[Window.PER_DAY].calls


def tls_options(files: Certificates, port: int) -> list[str]:
    options = {"tls-port": port, "tls-cert-file": files.certificate, "tls-key-file": files.key}
    options |= {"tls-ca-cert-file": files.ca, "tls-auth-clients": "yes"}
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]


async def test_over_tls_only_a_server_of_the_given_authority_is_paid_at(tmp_path: Path) -> None:
    files, others = issue(tmp_path / "tls"), issue(tmp_path / "others")
    port = free_port()
    shown = f"ssl_certfile={files.certificate}&ssl_keyfile={files.key}"
    with running(*tls_options(files, port), port=0):
        async with opened(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={files.ca}&{shown}") as store:
            await pay(store, "one")
            assert await spent(store) == 1
        for distrusted in (f"ssl_ca_certs={others.ca}&{shown}", f"ssl_ca_certs={files.ca}"):
            url = f"rediss://127.0.0.1:{port}/0?{distrusted}"
            async with opened(url, timeout_s=1.0) as store:
                with pytest.raises(BudgetStoreUnavailableError):
                    await pay(store, "other")


async def test_sentinels_and_the_primary_are_both_reached_over_tls(tmp_path: Path) -> None:
    files, port = issue(tmp_path / "tls"), free_port()
    tls = f"ssl_ca_certs={files.ca}&ssl_certfile={files.certificate}&ssl_keyfile={files.key}"
    options = [
        "tls-port PORT",
        "tls-replication yes",
        f"tls-cert-file {files.certificate}",
        f"tls-key-file {files.key}",
        f"tls-ca-cert-file {files.ca}",
    ]
    with (
        running(*tls_options(files, port), port=0),
        running_sentinel(tmp_path, "counts", port, *options, replica_count=0) as sentinel_port,
    ):
        url = f"rediss+sentinel://127.0.0.1:{sentinel_port}/counts/0?{tls}"
        async with opened(url) as store:
            await pay(store, "one")
            assert await spent(store) == 1


async def test_a_reply_that_repeats_the_password_is_not_written() -> None:
    async def repeat(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"-ERR unknown command, with args beginning with: 'app' '{OLD}'\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with capture_logs() as logs:
            async with opened(f"redis://app:{OLD}@127.0.0.1:{port}/0", timeout_s=1.0) as store:
                with pytest.raises(BudgetStoreUnavailableError) as raised:
                    await pay(store, "refused")
    assert logs
    assert OLD not in f"{logs} {raised.value}"


async def test_a_user_of_its_own_needs_no_more_than_the_documented_rights() -> None:
    port = free_port()
    with running("--user", "app", "on", f">{OLD}", *documented_rights(), port=port):
        url = f"redis://app:{OLD}@127.0.0.1:{port}/0"
        with capture_logs() as logs:
            async with opened(url) as store:
                await pay(store, "one")
                assert await spent(store) == 1
        assert logs == []


async def test_a_new_password_is_read_from_the_file_and_never_written(tmp_path: Path) -> None:
    port, url_file = free_port(), tmp_path / "redis-url"
    url_file.write_text(f"redis://app:{OLD}@127.0.0.1:{port}/0\n")
    with (
        running("--user", "app", "on", f">{OLD}", *documented_rights(), port=port) as server,
        capture_logs() as logs,
    ):
        async with opened(url_file) as store:
            await pay(store, "one")
            await store.settler.empty()
            admission = await store.reserve("t", TenantLimits(), [Hold(id="2", amount=ONE)], 60_000)
            with server.client() as client:
                client.execute_command("ACL", "SETUSER", "app", "resetpass", f">{NEW}")
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "USER", "app")
            store.settle(Settlement(tenant_id="t", hold_id="2", at_ms=admission.at_ms, used=ONE))
            for number in range(5):
                with pytest.raises(BudgetStoreUnavailableError):
                    await pay(store, f"refused-{number}")
            url_file.write_text(f"redis://app:{NEW}@127.0.0.1:{port}/0\n")
            assert await spent_again(store) == 2
    assert {log.get("code") for log in logs} >= {"WRONGPASS"}
    assert OLD not in str(logs)
    assert NEW not in str(logs)


async def spent_again(store: RedisStore) -> int | None:
    async with asyncio.timeout(60):
        while True:
            try:
                return await spent(store)
            except BudgetStoreUnavailableError:
                await asyncio.sleep(0.02)


async def test_a_file_that_names_another_server_leads_there_after_a_failure(
    tmp_path: Path,
) -> None:
    first, second, url_file = free_port(), free_port(), tmp_path / "redis-url"
    url_file.write_text(f"redis://127.0.0.1:{first}/0")
    with running(port=second), running(port=first) as leaving:
        async with opened(url_file) as store:
            await pay(store, "one")
            assert await spent(store) == 1
            leaving.kill()
            url_file.write_text("no URL at all")
            with pytest.raises(BudgetStoreUnavailableError):
                await pay(store, "refused")
            url_file.write_text(f"redis://127.0.0.1:{second}/0")
            await spent_again(store)
            await pay(store, "two")
            assert await spent(store) == 2  # the first one was counted again


async def test_a_cluster_is_refused_at_the_start() -> None:
    port = free_port()
    refused = pytest.raises(RedisUrlError, match=r"must begin with redis\+cluster")
    with running("--cluster-enabled", "yes", port=port), refused:
        async with opened(f"redis://127.0.0.1:{port}/0"):
            pass


async def test_a_server_that_is_down_at_the_start_is_used_once_it_is_there() -> None:
    port = free_port()
    async with opened(f"redis://127.0.0.1:{port}/0") as store:
        with pytest.raises(BudgetStoreUnavailableError):
            await pay(store, "refused")
        with running(port=port):
            await spent_again(store)
            await pay(store, "one")
            assert await spent(store) == 1
