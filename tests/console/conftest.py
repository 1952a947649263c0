"""A browser, a scripted router, and the gateway between them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.gateway.upstream import router_client
from services.judge.config import JudgeServiceConfig
from services.rpc.server import running_server
from tests.conftest import LOOPBACK
from tests.console.chromium import CHROMIUM, OTHER_NAME, TIMEOUT_MS, watched
from tests.console.scripted_router import ScriptedRouter, scripted_router_app
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.console.chromium import Tab

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        missing("Chromium is not installed: apt-get install --no-install-recommends chromium")
    return CHROMIUM


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """The browser, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[f"--host-resolver-rules=MAP {OTHER_NAME} 127.0.0.1"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def router() -> ScriptedRouter:
    """The router that the console asks."""
    return ScriptedRouter()


@asynccontextmanager
async def running_gateway(
    router: ScriptedRouter, origins: tuple[str, ...] = ()
) -> AsyncIterator[str]:
    """Runs a router and a gateway, which pages of these origins may call; gives the gateway's URL."""
    config = JudgeServiceConfig(listen_address=LOOPBACK, drain_timeout_s=1)
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(router_client, "LOOKUP_TIMEOUT_S", TIMEOUT_MS / 1000)
        service = await stack.enter_async_context(scripted_router_app(router))
        address = await stack.enter_async_context(running_server(config, service))
        settings = GatewayServiceConfig(
            listen_address=LOOPBACK,
            router_address=address,
            drain_timeout_s=1,
            cors_origins=origins,
        )
        yield "http://" + await stack.enter_async_context(gateway(settings))


@pytest_asyncio.fixture(loop_scope="session")
async def gateway_url(router: ScriptedRouter) -> AsyncIterator[str]:
    """The address of the gateway."""
    async with running_gateway(router) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def modules(browser: Browser) -> AsyncIterator[Tab]:
    """A tab whose modules tests import; none of them changes the page."""
    async with running_gateway(ScriptedRouter()) as url:
        tab = watched(await browser.new_page(), url)
        await tab.open()
        yield tab
        await tab.page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser, gateway_url: str) -> AsyncIterator[Tab]:
    """A tab with the console; it may log no error and load nothing from elsewhere."""
    context = await browser.new_context(viewport={"width": 1200, "height": 860})
    page = await context.new_page()
    opened = watched(page, gateway_url)
    yield opened
    await context.close()
    assert opened.errors == []
    assert [each for each in opened.addresses if not each.startswith(gateway_url)] == []
