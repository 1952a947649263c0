"""A person chats with the mixture on a page that others wrote."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.chat_ui.conftest import TIMEOUT_MS, chat_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from services.local.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "How many legs has a spider?"
ANSWERS = ".bot.message"
RECORD = """() => {
  window.seen = [];
  const note = () => {
    const answers = document.querySelectorAll(".bot.message");
    const text = answers.length ? answers[answers.length - 1].innerText.trim() : "";
    if (text && text !== window.seen[window.seen.length - 1]) window.seen.push(text);
  };
  new MutationObserver(note).observe(document.body, {
    childList: true, subtree: true, characterData: true,
  });
}"""


@asynccontextmanager
async def opened(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Opens the page, which records every text that the newest answer has."""
    page = await browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    try:
        await page.goto(url, wait_until="domcontentloaded")
        await page.locator("textarea").wait_for()
        await page.evaluate(RECORD)
        yield page
    finally:
        await page.close()


async def ask(page: Page, text: str) -> str:
    """Asks, and returns the whole answer: at its end, the page shows the button to send again."""
    before = await page.locator(ANSWERS).count()
    await page.locator("textarea").fill(text)
    await page.locator("textarea").press("Enter")
    answer = page.locator(ANSWERS).nth(before).filter(has_text=re.compile(r"\w"))
    await answer.wait_for()
    await page.locator("button.submit-button").wait_for()
    return (await answer.inner_text()).strip()


async def test_the_answer_streams_into_the_page(
    browser: Browser, stack: Stack, chat_python: Path
) -> None:
    """The default strategy shows an answer once others have confirmed it; `single` streams."""
    async with (
        chat_page(chat_python, stack, "routemoa/single") as url,
        opened(browser, url) as page,
    ):
        answer = await ask(page, QUESTION)
        seen = await page.evaluate("window.seen")
    assert len([text for text in seen if text != answer and answer.startswith(text)]) >= 3


async def test_a_conversation_goes_on(browser: Browser, page_url: str) -> None:
    async with opened(browser, page_url) as page:
        await ask(page, QUESTION)
        assert await ask(page, "How many legs has an ant?")
        assert await page.locator(ANSWERS).count() == 2


async def test_an_error_of_the_gateway_is_shown(
    browser: Browser, stack: Stack, chat_python: Path
) -> None:
    async with (
        chat_page(chat_python, stack, "nobody") as url,
        opened(browser, url) as page,
    ):
        await page.locator("textarea").fill(QUESTION)
        await page.locator("textarea").press("Enter")
        await page.locator(".toast-body", has_text="nobody").wait_for()
