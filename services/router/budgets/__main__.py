"""Prints each tenant's counts: `python -m services.router.budgets TENANTS_FILE REDIS_URL_FILE`.

A router without Redis keeps its counts in memory; only its metrics show them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.redis_url import RedisUrlError
from services.router.budgets.tenants import load_tenants
from services.router.types.amounts import CONCURRENT_ANSWERS, RESOURCES
from services.rpc.breaker import Breaker
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.router.budgets.store import TenantUsage
    from services.router.budgets.tenants import Tenant

_TIMEOUT_S = 5.0
_ROW = "{:<20} {:<22} {:>18} {:>18}\n"


def rows(tenant: Tenant, usage: TenantUsage) -> Iterator[tuple[str, float, float]]:
    """Yields each limit of a tenant: its name, the amount taken, and the limit."""
    most = tenant.limits.concurrent_answers
    if most is not None:
        yield CONCURRENT_ANSWERS, usage.answers, most
    for window, caps in tenant.limits.longest_first():
        counted = zip(RESOURCES, usage.windows[window].parts(), caps.parts(), strict=True)
        for resource, taken, cap in counted:
            if cap is not None:
                scale = 1e-9 if resource == "usd" else 1
                yield f"{window.key}.{resource}", taken * scale, cap * scale


async def show(tenants: Sequence[Tenant], url_file: Path) -> None:
    """Prints a line per tenant and limit.

    Raises:
        BudgetStoreUnavailableError: Redis does not answer.
        RedisUrlError: The file holds no URL that can be used.
    """
    async with open_redis_store(url_file, timeout_s=_TIMEOUT_S, breaker=Breaker()) as store:
        sys.stdout.write(_ROW.format("tenant", "limit", "spent and held", "at most"))
        for tenant in tenants:
            for limit, taken, most in rows(tenant, await store.usage(tenant.id)):
                sys.stdout.write(_ROW.format(tenant.id, limit, f"{taken:,.10g}", f"{most:,.10g}"))


def main() -> None:
    """Runs the command; on a problem, prints it and exits with status 1."""
    parser = argparse.ArgumentParser(prog="python -m services.router.budgets", description=__doc__)
    parser.add_argument("tenants_file", type=Path)
    parser.add_argument("redis_url_file", type=Path)
    options = parser.parse_args()
    try:
        tenants = load_tenants(options.tenants_file).tenants
        asyncio.run(show(tenants, options.redis_url_file))
    except (FileProblemsError, BudgetStoreUnavailableError, RedisUrlError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
