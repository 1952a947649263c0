"""Shows what tenants have spent: `python -m services.router.budgets TENANTS_FILE REDIS_URL_FILE`.

Counts of routers without Redis are in their own memory; their metrics show them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.redis_store import open_redis_store
from services.router.budgets.tenants import load_tenants
from services.router.types.resource_limits import CONCURRENT_ANSWERS, RESOURCES
from services.rpc.breaker import Breaker
from services.rpc.reload import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.router.budgets.store import Usage
    from services.router.budgets.tenants import Tenant

_TIMEOUT_S = 5.0
_ROW = "{:<20} {:<22} {:>18} {:>18}\n"


def rows(tenant: Tenant, usage: Usage) -> Iterator[tuple[str, float, float]]:
    """Yields each limit of a tenant: its name, what is taken of it, and the most."""
    most = tenant.limits.concurrent_answers
    if most is not None:
        yield CONCURRENT_ANSWERS, usage.answers, most
    for window, caps in tenant.limits.longest_first():
        counted = zip(RESOURCES, usage.windows[window].parts(), caps.parts(), strict=True)
        for resource, taken, cap in counted:
            if cap is not None:
                scale = 1e-9 if resource == "usd" else 1
                yield f"{window.key}.{resource}", taken * scale, cap * scale


async def show(tenants: Sequence[Tenant], url: str) -> None:
    """Prints a line per tenant and limit.

    Raises:
        BudgetStoreUnavailableError: Redis does not answer.
        ValueError: The URL is none.
    """
    async with open_redis_store(url, timeout_s=_TIMEOUT_S, breaker=Breaker()) as store:
        sys.stdout.write(_ROW.format("tenant", "limit", "spent and held", "at most"))
        for tenant in tenants:
            for limit, taken, most in rows(tenant, await store.usage(tenant.id)):
                sys.stdout.write(_ROW.format(tenant.id, limit, f"{taken:,.10g}", f"{most:,.10g}"))


def main() -> None:
    """Runs the command; what is wrong is printed, and the exit status is 1."""
    parser = argparse.ArgumentParser(prog="python -m services.router.budgets", description=__doc__)
    parser.add_argument("tenants_file", type=Path)
    parser.add_argument("redis_url_file", type=Path)
    options = parser.parse_args()
    try:
        tenants = load_tenants(options.tenants_file).tenants
        asyncio.run(show(tenants, options.redis_url_file.read_text(encoding="utf-8").strip()))
    except (FileProblemsError, BudgetStoreUnavailableError, OSError) as error:
        sys.exit(str(error))
    except ValueError:
        sys.exit(f"{options.redis_url_file} holds no URL of a Redis")


if __name__ == "__main__":
    main()
