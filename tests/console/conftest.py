"""A browser, a scripted router, and the gateway between them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import Error, Request, async_playwright, expect

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.rpc.server import running_server
from tests.conftest import LOOPBACK
from tests.console.scripted_router import ScriptedRouter, scripted_router_app
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, ConsoleMessage, Page

CHROMIUM = Path("/usr/bin/chromium")
TIMEOUT_MS = 60_000.0
expect.set_options(timeout=TIMEOUT_MS)


@dataclass(slots=True, kw_only=True)
class Tab:
    """A page of the console, and everything that went wrong in it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    """Exceptions, and errors in the browser's log."""
    addresses: list[str] = field(default_factory=list)
    """Everything that it loaded."""

    async def open(self) -> None:
        """Opens the console and waits until it has loaded the pool."""
        await self.page.goto(self.url)
        await self.page.locator("#pool li, #pool:not(:has(*))").first.wait_for(state="attached")

    async def ask(self, text: str = "How many legs has a spider?") -> None:
        """Asks a question, as a person does."""
        await self.page.fill("#question", text)
        await self.page.click("#ask-button")

    async def ended(self, status: str = "Done in") -> None:
        """Waits for the end of the answer."""
        await self.page.locator("#status", has_text=status).wait_for()


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
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def router() -> ScriptedRouter:
    """The router that the console asks."""
    return ScriptedRouter()


@asynccontextmanager
async def running_gateway(router: ScriptedRouter) -> AsyncIterator[str]:
    """Runs a router and a gateway; gives the gateway's URL."""
    config = JudgeServiceConfig(listen_address=LOOPBACK, drain_timeout_s=1)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(scripted_router_app(router))
        address = await stack.enter_async_context(running_server(config, service))
        settings = GatewayServiceConfig(
            listen_address=LOOPBACK, router_address=address, drain_timeout_s=1
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


def watched(page: Page, url: str) -> Tab:
    """Returns a tab that records the errors and the addresses of its page."""
    page.set_default_timeout(TIMEOUT_MS)
    tab = Tab(page=page, url=url)

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            tab.errors.append(message.text)

    def note_error(error: Error) -> None:
        tab.errors.append(str(error))

    def note_request(request: Request) -> None:
        if not request.url.startswith(("data:", "about:")):
            tab.addresses.append(request.url)

    page.on("console", note_message)
    page.on("pageerror", note_error)
    page.on("request", note_request)
    return tab
