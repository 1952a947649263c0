"""The console by keyboard alone, on a phone, in light and dark, and with less motion."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.console.chromium import watched
from tests.console.scripted_router import MODELS, delta, layer, result, routing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from routemoa.v1 import router_service_pb2 as pb
    from tests.console.chromium import Tab
    from tests.console.scripted_router import ScriptedRouter

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEAST_CONTRAST = 4.5
"""Of text, by WCAG 2.2 AA."""
LEAST_TARGET = 24
"""Sides of what is pressed, by WCAG 2.2 AA."""

COLOURS = """(() => {
  const hasText = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const backOf = (e) => getComputedStyle(e).backgroundColor;
  const isClear = (e) => backOf(e) === "rgba(0, 0, 0, 0)";
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility() && hasText(e) && !e.closest("svg"))
    .map((e) => {
      let ground = e;
      while (ground !== document.body && isClear(ground)) ground = ground.parentElement;
      return [e.outerHTML.slice(0, 80), getComputedStyle(e).color, backOf(ground)];
    });
})()"""
"""Every element with text, its colour and the colour behind it."""


async def focused(page: Page) -> str:
    """Returns what has the focus: its id, or its text."""
    script = "(e => e.id || e.name || e.textContent.trim())(document.activeElement)"
    return str(await page.evaluate(script))


async def test_everything_can_be_done_by_keyboard(tab: Tab, router: ScriptedRouter) -> None:
    gate = asyncio.Event()

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        await gate.wait()
        yield layer({MODELS[0]: "Eight."})
        yield delta("Eight.")
        yield result()

    router.script = script
    page = tab.page
    await tab.open()
    await expect(page.locator("#question")).to_be_focused()
    await page.keyboard.type("How many")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("legs?")
    assert router.requests == []
    await page.keyboard.press("Enter")
    await expect(page.locator("#stop-button")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator("#stop-button")).to_be_focused()
    gate.set()
    await tab.ended()
    await expect(page.locator("#ask-button")).to_be_focused()
    assert router.requests[0].messages[0].content == "How many\nlegs?"

    reached = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.append(await focused(page))
    for wanted in ("Policy", "thumb-up", "thumb-down", "pool-again", "forget", "theme", "Key"):
        assert wanted in reached
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("/")
    await expect(page.locator("#question")).to_be_focused()
    await expect(page.locator("#question")).to_have_value("How many\nlegs?")


async def test_a_screen_reader_hears_the_phases_and_the_whole_answer(
    tab: Tab, router: ScriptedRouter
) -> None:
    await tab.open()
    await tab.ask()
    await tab.ended()
    page = tab.page
    await expect(page.get_by_role("status")).to_have_text(re.compile("Done in"))
    await expect(page.locator("#answer-text")).to_have_attribute("aria-live", "polite")
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('button, input, select, textarea, [role=img]')]"
        ".filter(e => e.checkVisibility())"
        ".filter(e => !(e.ariaLabel || e.labels?.length || e.textContent.trim()))"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    assert unnamed == []
    levels = await page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].filter(e => e.checkVisibility())"
        ".map(e => Number(e.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    bar = page.locator(".rank svg").first
    await expect(bar).to_have_attribute("aria-label", re.compile("86 % likely to answer well"))


async def test_nothing_overflows_a_phone(
    browser: Browser, gateway_url: str, router: ScriptedRouter
) -> None:
    long_name = "organisation-with-a-long-name/model-with-an-even-longer-name-and-version-7.1"

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        decision = routing()
        decision.routing.ranked_models.add(model_id=long_name, explanation="x" * 120)
        yield decision
        code = (
            "```\n" + "wide = " * 60 + "\n```\n\n| a | b |\n| - | - |\n| " + "cell " * 60 + "| b |"
        )
        yield layer({MODELS[0]: code, long_name: "Donaudampfschifffahrt" * 20})
        yield delta("https://example.test/" + "a" * 400 + "\n\n" + code)
        yield result()

    router.script = script
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    tab = watched(await context.new_page(), gateway_url)
    await tab.open()
    await tab.ask()
    await tab.ended()
    await tab.page.locator("summary", has_text="Policy").click()
    wide = await tab.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    small = await tab.page.evaluate(
        "least => [...document.querySelectorAll('button, input, select, textarea')]"
        ".filter(e => e.checkVisibility())"
        ".filter(e => e.getBoundingClientRect().height < least)"
        ".map(e => e.outerHTML.slice(0, 120))",
        LEAST_TARGET,
    )
    assert small == []
    assert tab.errors == []
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_has_enough_contrast_in_light_and_dark(tab: Tab, scheme: str) -> None:
    page = tab.page
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await tab.open()
    await tab.ask()
    await tab.ended()
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) > 0.5) is (scheme == "light")
    pairs = await page.evaluate(COLOURS)
    assert len(pairs) > 40
    poor = [
        (what, ink, ground)
        for what, ink, ground in pairs
        if contrast(luminance(ink), luminance(ground)) < LEAST_CONTRAST
    ]
    assert poor == []


async def test_the_theme_button_overrules_the_system_and_is_remembered(tab: Tab) -> None:
    page = tab.page
    await page.emulate_media(color_scheme="light")
    await tab.open()
    button = page.get_by_role("button", name=re.compile("Colours"))
    await button.click()
    await button.click()
    await expect(button).to_have_text("Dark")
    await page.reload()
    await expect(button).to_have_text("Dark")
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert luminance(paper) < 0.1


async def test_with_reduced_motion_nothing_moves(tab: Tab, router: ScriptedRouter) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        await asyncio.Event().wait()

    router.script = script
    running = "document.getAnimations().length"
    await tab.page.emulate_media(reduced_motion="no-preference")
    await tab.open()
    await tab.ask()
    await expect(tab.page.locator(".attempt.running")).to_have_count(3)
    assert await tab.page.evaluate(running) > 0
    await tab.page.emulate_media(reduced_motion="reduce")
    assert await tab.page.evaluate(running) == 0


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour such as `rgb(1, 2, 3)`."""

    def linear(value: float) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: float, other: float) -> float:
    """Returns the contrast of two luminances."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
