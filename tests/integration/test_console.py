"""The console in Chromium, over a real gateway, router and judge and a simulated pool."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright, expect
from prometheus_client import start_http_server

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.simulator import Purpose
from tests.conftest import LOOPBACK
from tests.console.chromium import CHROMIUM, TIMEOUT_MS, watched
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Playwright

    from services.simulator import Call
    from tests.integration.conftest import StartRouter

SCORES = {"alpine": 0.8, "harbour": 0.79, "meadow": 0.78, "desert": 0.1}
LETTERS = {"alpine": "A", "harbour": "B", "meadow": "C", "desert": "D"}


def script(call: Call) -> str:
    if call.purpose is Purpose.AGGREGATION:
        return f"Merged by {call.model}: a spider has **eight** legs."
    return call.assessed(f"The answer is ({LETTERS[call.model]})", self_score=0.6, grades={})


async def test_a_question_goes_through_every_service(start_router: StartRouter) -> None:
    if not CHROMIUM.exists():  # nothing else runs yet
        missing("Chromium is not installed")
    router = await start_router(dict.fromkeys(SCORES, script), SCORES)
    with served_metrics() as metrics_url:
        config = GatewayServiceConfig(
            listen_address=LOOPBACK,
            router_address=router.address,
            router_metrics_url=metrics_url,
            drain_timeout_s=1,
        )
        async with gateway(config) as address, async_playwright() as playwright:
            await ask(playwright, f"http://{address}")


@contextmanager
def served_metrics() -> Iterator[str]:
    """Serves the metrics of this process, in which the router runs; gives their URL."""
    server, thread = start_http_server(0, "127.0.0.1")
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def ask(playwright: Playwright, url: str) -> None:
    """Asks two questions and watches what the page shows of them."""
    browser = await playwright.chromium.launch(executable_path=CHROMIUM)
    tab = watched(await browser.new_page(), url)
    page = tab.page
    expect.set_options(timeout=TIMEOUT_MS)
    await tab.open()
    await page.locator("summary", has_text="Policy").click()
    await page.fill("[name=maxLayerCount]", "1")
    await tab.ask()
    await tab.ended()

    await expect(page.locator("#answer-text strong")).to_have_text("eight")
    await expect(page.locator("#answer-writer")).to_have_text("alpine")
    await expect(page.locator(".rank")).to_have_count(4)
    await expect(page.locator(".rank.runs")).to_have_count(3)
    await expect(page.locator(".rank .why").first).to_contain_text("likely to answer well")
    await expect(page.locator(".card")).not_to_have_count(0)
    await expect(page.locator(".verdict")).to_contain_text("contradict")
    await expect(page.locator(".lane .attempt.ok:not(.final)")).not_to_have_count(0)
    await expect(page.locator(".attempt.final.ok")).to_have_count(1)
    await expect(page.locator("#summary")).to_contain_text("an answer reached the stopping score")
    await expect(page.locator("#summary")).to_contain_text("this answer")
    await page.click("#pool-again")
    await expect(page.locator("#pool li").first).to_contain_text("1 of 1 replica")
    await page.select_option("[name=strategy]", "single")
    await tab.ask()
    await expect(page.locator("#summary")).to_contain_text("single")
    assert tab.errors == []
    await browser.close()
