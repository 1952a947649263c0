"""Gradio's chat page in front of all services, and a browser."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from services.local.stack import StackConfig, free_port, running_stack
from tests.console.chromium import CHROMIUM
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from services.local.stack import Stack

ENVIRONMENT = "ROUTEMOA_CHAT_UI"
"""The folder of Gradio's installation."""
PAGE = Path(__file__).parent / "gradio_page.py"
START_S = 240.0
TIMEOUT_MS = 120_000.0


@pytest.fixture(scope="session")
def chat_python() -> Path:
    """The Python that has Gradio."""
    folder = os.environ.get(ENVIRONMENT)
    if folder is None:
        missing(f"{ENVIRONMENT} is not set; `make test-chat-ui` sets it")
    if not CHROMIUM.exists():
        missing("Chromium is not installed: apt-get install --no-install-recommends chromium")
    return Path(folder) / "bin" / "python"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(chat_python: Path) -> AsyncIterator[Stack]:
    """All services, with the simulated pool."""
    del chat_python  # without it, nothing needs to start
    async with running_stack(StackConfig()) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def page_url(stack: Stack, chat_python: Path) -> AsyncIterator[str]:
    """The address of a chat page whose model is the mixture."""
    async with chat_page(chat_python, stack, "routemoa") as url:
        yield url


@asynccontextmanager
async def chat_page(python: Path, stack: Stack, model: str) -> AsyncIterator[str]:
    """Serves a chat page until the block ends; yields its address."""
    port, base_url = free_port(), f"http://{stack.gateway_address}/v1"
    process = await asyncio.create_subprocess_exec(
        *(python, PAGE, str(port), base_url, model),
        env={"PATH": os.environ["PATH"], "GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=sys.stderr,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(url, process)
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process) -> None:
    """Waits until a page is served."""
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as http:
        while True:
            assert process.returncode is None, "the page's process ended"
            try:
                async with http.get(url) as response:
                    response.raise_for_status()
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chat_python: Path) -> AsyncIterator[Browser]:
    """The browser, without a window."""
    del chat_python
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        await browser.close()
