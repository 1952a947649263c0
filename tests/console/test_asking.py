"""A person asks in a real Chromium: watches, stops, fails, reloads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from routemoa.errors import FeedbackLimitError, GenerationFailedError
from routemoa.v1 import router_service_pb2 as pb
from tests.console.chromium import OTHER_NAME
from tests.console.conftest import running_gateway
from tests.console.scripted_router import MODELS, delta, event, layer, result, routing, usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.console.chromium import Tab
    from tests.console.scripted_router import ScriptedRouter

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESOURCE = "Failed to load resource"
"""Chromium logs it for every response above 399."""


class Gates:
    """Lets a script go on when the test has seen what it shows."""

    def __init__(self) -> None:
        self._gates: dict[str, asyncio.Event] = {}

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    def open(self, name: str) -> None:
        self._gate(name).set()

    async def passed(self, name: str) -> None:
        async with asyncio.timeout(60):
            await self._gate(name).wait()


async def test_a_person_watches_the_routing_happen(tab: Tab, router: ScriptedRouter) -> None:
    gates = Gates()

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        await gates.passed("rank")
        yield routing()
        await gates.passed("layer")
        answers = {MODELS[0]: "The answer is (B)", MODELS[1]: "Eight, so the answer is: B"}
        entries = [
            usage(MODELS[0]),
            usage(MODELS[1], status="CALL_STATUS_CANCELLED", timeToFirstToken=None),
            usage(MODELS[1], attemptKind="ATTEMPT_KIND_HEDGE"),
            usage(MODELS[2], status="CALL_STATUS_BACKEND_ERROR", backendMessage="out of memory"),
            usage(MODELS[3]),
        ]
        yield layer({**answers, MODELS[3]: "The answer is (C)"}, entries)
        await gates.passed("answer")
        yield delta("A spider has **eight** ")
        await gates.passed("end")
        yield delta("legs.")
        yield result()

    router.script = script
    page = tab.page
    await tab.open()
    await tab.ask()
    await expect(page.locator("#status")).to_have_text("Ranking the models.")
    gates.open("rank")

    await expect(page.locator("#status")).to_contain_text("Layer 1: 3 models at work.")
    await expect(page.locator(".rank")).to_have_count(4)
    await expect(page.locator(".rank.runs")).to_have_count(3)
    await expect(page.locator(".rank .why").first).to_contain_text("0.86 likely to answer well")
    await expect(page.locator(".lane .attempt.running")).to_have_count(3)
    gates.open("layer")

    await expect(page.locator(".card")).to_have_count(3)
    await expect(page.locator(".verdict")).to_have_text(
        "The answers contradict each other; 2 of 3 agree."
    )
    await expect(page.locator(".badge")).to_have_text(["A", "A", "B"])
    await expect(page.locator(".card").first).to_contain_text("others’ grades")
    await expect(page.locator(".attempt.hedge.ok")).to_have_count(1)
    await expect(page.locator(".attempt.cancelled")).to_have_count(1)
    await expect(page.locator(".attempt.bad")).to_have_count(1)
    await expect(page.locator(".lane .tag", has_text="backup")).to_have_count(1)
    gates.open("answer")

    await expect(page.locator("#answer-text strong")).to_have_text("eight")
    await expect(page.locator("#answer-text")).to_have_attribute("aria-busy", "true")
    await expect(page.locator("#ask-button")).to_be_hidden()
    gates.open("end")

    await tab.ended()
    await expect(page.locator("#answer-text")).to_have_text("A spider has eight legs.")
    await expect(page.locator("#answer-text")).to_have_attribute("aria-busy", "false")
    await expect(page.locator("#summary")).to_contain_text("$0.0016")
    await expect(page.locator("#summary")).to_contain_text("5.5 times cheaper")
    await expect(page.locator("#summary")).to_contain_text("the models agree")
    await expect(page.locator(".lane .tag", has_text="merges")).to_have_count(1)
    await expect(page.locator("#ask-button")).to_be_visible()
    await expect(page.locator("#recent li")).to_have_count(1)
    await expect(page.locator("#budget")).to_contain_text("$0.0016")


@pytest.mark.parametrize("how", ["button", "escape", "leaves"])
async def test_whoever_stops_or_leaves_cancels_the_calls(
    tab: Tab, router: ScriptedRouter, how: str
) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta("A spider ")
        await asyncio.Event().wait()

    router.script = script
    await tab.open()
    await tab.ask()
    await expect(tab.page.locator("#answer-text")).to_have_text("A spider")
    if how == "button":
        await tab.page.click("#stop-button")
    elif how == "escape":
        await tab.page.keyboard.press("Escape")
    else:
        await tab.page.goto("about:blank")
    async with asyncio.timeout(30):
        await router.cancelled.wait()
    if how != "leaves":
        await expect(tab.page.locator("#status")).to_have_text("Stopped. Every call was cancelled.")
        await expect(tab.page.locator("#ask-button")).to_be_visible()
        await expect(tab.page.locator("#answer-text")).to_have_text("A spider")
        await expect(tab.page.locator(".attempt.running")).to_have_count(0)


async def test_an_error_before_the_first_event_is_told_with_its_request(
    tab: Tab, router: ScriptedRouter
) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        if request.messages:
            raise GenerationFailedError("every model of the pool failed")
        yield routing()

    router.script = script
    await tab.open()
    await tab.ask()
    problem = tab.page.get_by_role("alert")
    await expect(problem).to_contain_text("every model of the pool failed")
    await expect(problem).to_contain_text("Request")
    await expect(tab.page.locator("#answer")).to_be_hidden()
    await expect(tab.page.locator("#ask-button")).to_be_visible()
    assert all(RESOURCE in error for error in tab.errors)
    tab.errors.clear()

    router.script = type(router)().script
    await tab.ask()
    await tab.ended()
    await expect(problem).to_be_hidden()


async def test_an_error_in_the_middle_keeps_what_came(tab: Tab, router: ScriptedRouter) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta("A spider has ")
        raise GenerationFailedError("the last writer failed")

    router.script = script
    await tab.open()
    await tab.ask()
    await expect(tab.page.get_by_role("alert")).to_contain_text("the last writer failed")
    await expect(tab.page.locator("#answer-text")).to_have_text("A spider has")
    await expect(tab.page.locator("#status")).to_have_text("The answer failed.")
    await expect(tab.page.locator("#recent li")).to_have_count(0)


async def test_a_gateway_that_is_gone_is_told(tab: Tab) -> None:
    await tab.open()
    await tab.page.context.set_offline(True)
    await tab.ask()
    await expect(tab.page.get_by_role("alert")).to_contain_text("cannot be reached")
    tab.errors.clear()


async def test_a_name_that_a_stranger_points_at_the_gateway_shows_no_page(tab: Tab) -> None:
    page = await tab.page.context.new_page()  # the browser logs each refusal as an error
    response = await page.goto(tab.url.replace("127.0.0.1", OTHER_NAME))
    assert response is not None
    assert response.status == 403
    await page.close()


async def test_without_tls_under_another_name_all_works_but_what_browsers_forbid(
    tab: Tab, router: ScriptedRouter
) -> None:
    async with running_gateway(router, (f"http://{OTHER_NAME}",)) as url:
        tab.url = url.replace("127.0.0.1", OTHER_NAME)
        await tab.open()
        assert await tab.page.evaluate("isSecureContext") is False
        await tab.ask()
        await tab.ended()
        await tab.page.get_by_role("button", name="Thumb down").click()
        await expect(tab.page.locator("#recent li")).to_contain_text("rated bad")
    assert all("Cross-Origin-Opener-Policy" in error for error in tab.errors)
    tab.errors.clear()
    tab.addresses.clear()


async def test_after_a_reset_only_the_new_text_is_shown(tab: Tab, router: ScriptedRouter) -> None:
    gate = asyncio.Event()

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta("A wrong beginning")
        await gate.wait()
        yield event(reset={"status": "CALL_STATUS_INTERRUPTED"})
        yield event(resumed={"modelId": MODELS[1], "status": "CALL_STATUS_INTERRUPTED"})
        yield delta("Eight.")
        yield result()

    router.script = script
    await tab.open()
    await tab.ask()
    await expect(tab.page.locator("#answer-text")).to_have_text("A wrong beginning")
    gate.set()
    await tab.ended()
    await expect(tab.page.locator("#answer-text")).to_have_text("Eight.")
    await expect(tab.page.locator("#summary")).to_contain_text("went on elsewhere: broke off")


async def test_calls_to_tools_refusals_and_reasoning_are_shown_as_text(
    tab: Tab, router: ScriptedRouter
) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield event(delta={"reasoning": "I need the weather."})
        yield event(delta={"toolCalls": [{"toolCallId": "c1", "name": "weather"}]})
        yield event(delta={"toolCalls": [{"argumentsJson": '{"town":'}]})
        yield event(delta={"toolCalls": [{"argumentsJson": '"Ulm"}'}]})
        yield event(delta={"refusal": "I may not say more."})
        yield result()

    router.script = script
    await tab.open()
    await tab.ask()
    await tab.ended()
    await expect(tab.page.locator("#answer-tools code")).to_have_text('weather({"town":"Ulm"})')
    await expect(tab.page.locator("#answer-text")).to_have_text("I may not say more.")
    await expect(tab.page.locator("#reasoning-text")).to_have_text("I need the weather.")


async def test_a_reload_keeps_questions_and_thumbs_but_no_answer(
    tab: Tab, router: ScriptedRouter
) -> None:
    page = tab.page
    await tab.open()
    await page.locator("#policy summary").click()
    await page.select_option("[name=strategy]", "cascade")
    await page.fill("[name=maxCostUsd]", "0.5")
    await tab.ask("What is 6 times 7?")
    await tab.ended()
    sent = router.requests[-1]
    assert (sent.policy.strategy, sent.policy.max_cost_usd) == ("cascade", 0.5)
    assert sent.messages[0].content == "What is 6 times 7?"
    await page.get_by_role("button", name="Thumb up").click()
    await expect(page.get_by_role("button", name="Thumb up")).to_have_attribute(
        "aria-pressed", "true"
    )

    await tab.page.reload()
    await expect(page.locator("#recent li")).to_have_count(1)
    await expect(page.locator("#recent li")).to_contain_text("rated good")
    await expect(page.locator("#answer")).to_be_hidden()
    kept = await page.evaluate("JSON.stringify({...localStorage})")
    assert "decision-1" in kept
    assert "eight" not in kept

    await page.locator("#recent button", has_text="6 times 7").click()
    await expect(page.locator("#question")).to_have_value("What is 6 times 7?")
    await expect(page.locator("[name=strategy]")).to_have_value("cascade")
    await expect(page.locator("[name=strategy]")).to_be_focused()
    await page.get_by_role("button", name="Forget all").click()
    await page.reload()
    await expect(page.locator("#recent")).to_contain_text("Nothing yet")


async def test_thumbs_are_recorded_by_the_router(tab: Tab, router: ScriptedRouter) -> None:
    page, note = tab.page, tab.page.locator("#thumb-note")
    await tab.open()
    await tab.ask()
    await tab.ended()
    await page.get_by_role("button", name="Thumb down").click()
    await expect(note).to_have_text("Recorded.")
    await page.get_by_role("button", name="Thumb down").click()
    await page.get_by_role("button", name="Thumb up").click()
    await expect(page.get_by_role("button", name="Thumb down")).to_have_attribute(
        "aria-pressed", "false"
    )
    await expect(note).to_have_text("Recorded.")
    assert [item.score for item in router.feedback] == [0, 1]
    assert {item.decision_id for item in router.feedback} == {"decision-1"}
    assert {item.source for item in router.feedback} == {pb.FEEDBACK_SOURCE_USER}
    assert len({item.feedback_id for item in router.feedback}) == 2

    await tab.ask()
    await tab.ended()
    await expect(note).to_have_text("")


async def test_a_thumb_that_is_not_recorded_says_why_and_can_be_pressed_again(
    tab: Tab, router: ScriptedRouter
) -> None:
    page, note = tab.page, tab.page.locator("#thumb-note")
    router.feedback_error = FeedbackLimitError("too much feedback", retry_delay_s=1)
    await tab.open()
    await tab.ask()
    await tab.ended()
    await page.get_by_role("button", name="Thumb up").click()
    await expect(note).to_have_text("Not recorded: too much feedback")
    router.feedback_error = None
    await page.get_by_role("button", name="Thumb up").click()
    await expect(note).to_have_text("Recorded.")
    assert [item.score for item in router.feedback] == [1]
    assert all(RESOURCE in error for error in tab.errors)
    tab.errors.clear()


async def test_without_records_a_thumb_stays_in_the_browser(
    tab: Tab, router: ScriptedRouter
) -> None:
    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta("Eight.")
        yield result(decisionId="")

    router.script = script
    await tab.open()
    await tab.ask()
    await tab.ended()
    await tab.page.get_by_role("button", name="Thumb up").click()
    await expect(tab.page.locator("#thumb-note")).to_contain_text("Kept in this browser alone")
    assert router.feedback == []


async def test_the_pool_is_shown_with_prices_and_capabilities(tab: Tab) -> None:
    await tab.open()
    first = tab.page.locator("#pool li").first
    await expect(tab.page.locator("#pool li")).to_have_count(len(MODELS))
    await expect(first).to_contain_text(MODELS[0])
    await expect(first).to_contain_text("$3.00 in · $12.00 out per M tokens")
    await expect(first).to_contain_text("json schema")
    await tab.ask()
    await tab.ended()
    await expect(first).to_contain_text("first token 100 ms here")


async def test_the_key_stays_in_its_tab_and_out_of_the_page(
    tab: Tab, router: ScriptedRouter
) -> None:
    router.token = "open-sesame-1234"
    page = tab.page
    await tab.open()
    await expect(page.locator("#pool")).to_have_text("This gateway needs a key.")
    await expect(page.locator("#token")).to_be_focused()
    await page.keyboard.type("open-sesame-1234")
    await page.keyboard.press("Enter")
    await expect(page.locator("#pool li")).to_have_count(len(MODELS))
    await tab.ask()
    await tab.ended()
    assert router.tokens[-1] == "Bearer open-sesame-1234"
    await page.reload()
    await expect(page.locator("#pool li")).to_have_count(len(MODELS))
    assert "sesame" not in await page.evaluate("JSON.stringify({...localStorage})")
    assert "sesame" not in await page.content()
    assert not [address for address in tab.addresses if "sesame" in address]
    assert await page.context.cookies() == []
    other = await page.context.new_page()
    await other.goto(tab.url)
    await expect(other.locator("#pool")).to_have_text("This gateway needs a key.")
    assert all(RESOURCE in error for error in tab.errors)
    tab.errors.clear()
