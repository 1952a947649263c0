"""Debian's Chromium, and tabs that record what goes wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Error, Page, Request

CHROMIUM = Path("/usr/bin/chromium")
TIMEOUT_MS = 30_000.0
OTHER_NAME = "gateway.test"
"""A name of the gateway that browsers do not trust without TLS, other than that of loopback."""


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
