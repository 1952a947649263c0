"""Pictures of the console for the documents, taken by the tests so that they show what is there."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.async_api import expect

from tests.console.chromium import watched
from tests.console.scripted_router import MODELS, delta, layer, result, routing, usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from routemoa.v1 import router_service_pb2 as pb
    from tests.console.scripted_router import ScriptedRouter

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER = "ROUTEMOA_TEST_SCREENSHOTS"
"""Set to the folder that keeps the pictures."""
MAX_BYTES = 200_000
ANSWERS = {
    MODELS[
        0
    ]: "Air scatters **short wavelengths** more than long ones, as `λ⁻⁴`. The answer is (B)",
    MODELS[
        1
    ]: "Rayleigh scattering:\n\n- violet scatters most,\n- we see blue best.\n\nThe answer is (B)",
    MODELS[3]: "The sky reflects the ocean. The answer is (A)",
}
FINAL = """The sky is blue because air scatters **short wavelengths** of light far more than long ones.

- Violet scatters even more, yet the sun sends less of it.
- Our eyes see blue best.

> This is *Rayleigh scattering*: its strength goes with `1 / λ⁴`."""


async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
    """An answer with a hedged, a cancelled and a backup call, at the pace of small models."""
    await asyncio.sleep(0.06)
    yield routing()
    await asyncio.sleep(0.9)
    entries = [
        usage(MODELS[0], duration="0.52s", timeToFirstToken="0.2s"),
        usage(MODELS[1], duration="0.36s", timeToFirstToken=None, status="CALL_STATUS_CANCELLED"),
        usage(
            MODELS[1], duration="0.55s", timeToFirstToken="0.1s", attemptKind="ATTEMPT_KIND_HEDGE"
        ),
        usage(MODELS[2], duration="0.86s", timeToFirstToken=None, status="CALL_STATUS_CANCELLED"),
        usage(MODELS[3], duration="0.4s", timeToFirstToken="0.12s"),
    ]
    report = layer(ANSWERS, entries)
    report.layer.duration.FromMilliseconds(860)
    for place, assessment in enumerate(report.layer.assessments):
        assessment.posterior_score = 0.93 - 0.27 * place
        assessment.cross_score = 0.9 - 0.25 * place
    yield report
    for word in FINAL.split(" "):
        await asyncio.sleep(0.006)
        yield delta(word + " ")
    timing = {"totalDuration": "1.52s", "timeToFirstDelta": "1.02s"}
    yield result(timing=timing, costUsd=0.0016)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture: its name, its window, and the element at its top."""

    name: str
    width: int = 1200
    height: int = 1000
    scheme: Literal["light", "dark"] = "light"
    top: str = "#timeline"


SHOTS = (
    Shot(name="console-light", top="header.top"),
    Shot(name="console-dark", scheme="dark"),
    Shot(name="console-phone", width=360, height=760),
)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_a_picture_of_the_console(
    browser: Browser, gateway_url: str, router: ScriptedRouter, tmp_path: Path, shot: Shot
) -> None:
    router.script = script
    page = await browser.new_page(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
        reduced_motion="reduce",
    )
    tab = watched(page, gateway_url)
    await tab.open()
    await tab.ask("Why is the sky blue?")
    await tab.ended()
    await expect(page.locator(".card")).to_have_count(3)
    await page.evaluate("document.activeElement.blur()")
    await page.evaluate(
        "top => scrollTo(0, document.querySelector(top).getBoundingClientRect().top - 20)", shot.top
    )
    folder = Path(os.environ.get(FOLDER) or tmp_path)
    picture = await page.screenshot(path=folder / f"{shot.name}.png")
    await page.close()
    assert picture.startswith(b"\x89PNG")
    assert 10_000 < len(picture) < MAX_BYTES
    assert tab.errors == []
