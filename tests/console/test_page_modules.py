"""The page's own modules, imported in Chromium: what is pure in them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.console.chromium import Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def run(tab: Tab, module: str, script: str, argument: Any = None) -> Any:
    """Returns what a function of a module and an argument returns."""
    return await tab.page.evaluate(
        f"async (argument) => ({script})(await import('/console/{module}.js'), argument)", argument
    )


async def markdown(tab: Tab, text: str) -> str:
    """Returns the elements of a text, as they are written in HTML."""
    script = "(m, text) => { const e = document.createElement('div');"
    script += " m.showMarkdown(e, text); return e.innerHTML }"
    return str(await run(tab, "markdown", script, text))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain\nlines", "<p>plain<br>lines</p>"),
        (
            "**a** *b* __c__ _d_ ~~e~~",
            "<p><strong>a</strong> <em>b</em> <strong>c</strong> <em>d</em> <del>e</del></p>",
        ),
        ("# A\n## B #", "<h3>A</h3><h4>B</h4>"),
        ("a `<b>` c", "<p>a <code>&lt;b&gt;</code> c</p>"),
        ("- a\n- b\n  - c\n1. d", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("> a\n> b", "<blockquote><p>a<br>b</p></blockquote>"),
        ("---", "<hr>"),
        ("snake_case_name 2*3*4 a ** b", "<p>snake_case_name 2*3*4 a ** b</p>"),
        (r"\*a\* \[b](c)", "<p>*a* [b](c)</p>"),
        ("[a](javascript:b)", "<p>[a](javascript:b)</p>"),
        ("unended ** and ` and [", "<p>unended ** and ` and [</p>"),
    ],
)
async def test_markdown_becomes_elements(modules: Tab, text: str, html: str) -> None:
    assert await markdown(modules, text) == html


async def test_code_tables_and_links_become_elements(modules: Tab) -> None:
    code = await markdown(modules, "```py\na < b\n")
    assert code == '<pre tabindex="0" data-language="py"><code>a &lt; b\n</code></pre>'
    table = await markdown(modules, "| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<th>a</th><th>b</th>" in table
    assert "<td>1</td><td>2</td>" in table
    link = await markdown(modules, "see https://a.test/b?c=d, or [this](http://e.test)")
    assert 'href="https://a.test/b?c=d"' in link
    assert 'href="http://e.test/"' in link
    assert link.count('rel="noopener noreferrer nofollow"') == 2


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "[a](",
        "**",
        "*a ",
        "`",
        "```\n",
        "> ",
        ">",
        "- ",
        "  - a\n",
        "| a ",
        "|-",
        "#",
        "\\",
        "h",
        "http://",
        "![",
        "_",
        "~~",
        "-",
        " ",
    ],
)
async def test_markdown_takes_linear_time(modules: Tab, piece: str) -> None:
    text = piece * (190_000 // len(piece))
    begun_s = time.monotonic()
    await markdown(modules, text)
    assert time.monotonic() - begun_s < 15


async def test_text_that_grows_keeps_the_elements_of_what_did_not_change(modules: Tab) -> None:
    script = """(m) => {
      const parent = document.createElement("div");
      m.showMarkdown(parent, "one\\n\\ntw");
      const first = parent.firstChild;
      m.showMarkdown(parent, "one\\n\\ntwo\\n\\nthree");
      return [parent.firstChild === first, parent.textContent];
    }"""
    assert await run(modules, "markdown", script) == [True, "onetwothree"]


async def test_lanes_follow_from_the_ledger(modules: Tab) -> None:
    layer = {
        "number": 1,
        "startMs": 100,
        "endMs": 1100,
        "selected": ["a", "b"],
        "report": {
            "usage": [  # the router began 40 ms before the first call
                entry("b", "CANCELLED", 0.5, start_s=0.05),
                entry("b", "OK", 0.6, start_s=0.35, first_s=0.2, kind="HEDGE"),
                entry("a", "UNREACHABLE", 0.1, start_s=0.04),
                entry("a", "OK", 0.4, start_s=0.2, first_s=0.1, kind="RETRY"),
                entry("backup", "CANCELLED", 0.3, start_s=0.74),
                entry("merger", "OK", 0.3, start_s=0.01, purpose="AGGREGATION"),
            ]
        },
    }
    lanes = await run(modules, "timeline", "(m, layer) => m.layerLanes(layer, 5000)", layer)
    assert {lane["modelId"]: spans(lane) for lane in lanes} == {
        "a": [(100, None, 200), (260, 360, 660)],
        "b": [(110, None, 610), (410, 610, 1010)],
        "backup": [(800, None, 1100)],
    }
    assert [lane["modelId"] for lane in lanes if lane["isBackup"]] == ["backup"]


async def test_merging_calls_stand_in_the_same_time_as_those_of_the_first_layer(
    modules: Tab,
) -> None:
    usage = [entry("a", "OK", 0.5, start_s=0.1)]
    merging = entry("b", "OK", 0.4, start_s=0.7, first_s=0.1, purpose="AGGREGATION")
    state = {
        "endMs": 1200,
        "layers": [{"startMs": 120, "report": {"usage": usage}}],
        "result": {"usage": [*usage, merging]},
    }
    lanes = await run(modules, "timeline", "(m, state) => m.finalLanes(state, 5000)", state)
    assert [spans(lane) for lane in lanes] == [[(720, 820, 1120)]]


async def test_calls_grow_while_they_run_and_end_when_the_answer_ends(modules: Tab) -> None:
    layer = {"number": 1, "startMs": 100, "endMs": None, "selected": ["a"], "report": None}
    grow = "(m, layer) => [m.layerLanes(layer, 700), m.layerLanes(layer, 900, 800)]"
    running, ended = await run(modules, "timeline", grow, layer)
    assert (running[0]["attempts"][0]["endMs"], running[0]["attempts"][0]["status"]) == (700, "")
    assert ended[0]["attempts"][0]["endMs"] == 800
    assert ended[0]["attempts"][0]["status"] == "CALL_STATUS_CANCELLED"


@pytest.mark.parametrize("length_ms", [1, 37, 200, 999, 1000, 65_432, 7_200_000])
async def test_an_axis_has_a_few_round_ticks(modules: Tab, length_ms: float) -> None:
    step, end = await run(
        modules,
        "timeline",
        "(m, last) => [m.tickStep(m.axisEnd(last)), m.axisEnd(last)]",
        length_ms,
    )
    assert end >= length_ms
    assert 2 <= round(end / step) <= 7


async def test_a_result_without_the_streamed_entries_is_joined_with_them(modules: Tab) -> None:
    script = """(m, [usage, rest]) => {
      let state = m.asked("q", {});
      state = m.advanced(state, { routing: { layerNumber: 1, selectedModelIds: ["a"] } }, 10);
      state = m.advanced(state, { layer: { layerNumber: 1, usage, duration: "0.5s" } }, 900);
      state = m.advanced(state, { delta: { text: "An " } }, 950);
      state = m.advanced(state, { delta: { text: "answer" } }, 960);
      state = m.advanced(state, { unknown: {} }, 965);
      const joined = m.advanced(state, { result: { usage: rest } }, 970);
      const whole = m.advanced(state, { result: { usage: [...usage, ...rest] } }, 970);
      return [m.ledger(joined).length, m.ledger(whole).length, joined.answer.text, joined.firstTextMs];
    }"""
    usage = [entry("a", "OK", 0.4)]
    rest = [entry("a", "OK", 0.4, purpose="AGGREGATION")]
    assert await run(modules, "answer_state", script, [usage, rest]) == [2, 2, "An answer", 950]


async def test_events_survive_every_way_of_cutting_the_stream(modules: Tab) -> None:
    events = [{"delta": {"text": "Größe 日本 😀\u2028"}}, {"delta": {"text": "data: x\n"}}]
    text = ":\n\n" + "".join(f"data: {json.dumps(e, ensure_ascii=False)}\n\n" for e in events)
    script = """async (m, [text, size]) => {
      const bytes = new TextEncoder().encode(text);
      const body = new ReadableStream({ start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      } });
      const found = [];
      for await (const value of m.messages(body)) found.push(value);
      return found;
    }"""
    for size in (1, 2, 3, 7, 1000):
        assert await run(modules, "event_stream", script, [text, size]) == events


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("span(0.34)", "340 ms"),
        ("span(1.2)", "1.20 s"),
        ("span(150)", "150 s"),
        ("span(null)", "–"),
        ("dollars(0)", "$0"),
        ("dollars(0.00042)", "$0.00042"),
        ("dollars(12.3456)", "$12.35"),
        ("dollars(NaN)", "–"),
        ("percent(0.814)", "81 %"),
        ("plural(1, 'model')", "1 model"),
        ("plural(2000, 'model')", "2,000 models"),
        ("factor(10, 2)", "5.0 times"),
        ("factor(1, 0)", ""),
        ("seconds('1.5s')", 1.5),
        ("seconds(undefined)", None),
    ],
)
async def test_amounts_read_well(modules: Tab, call: str, shown: object) -> None:
    assert await run(modules, "amounts", f"(m) => m.{call}") == shown


async def test_enums_of_a_newer_contract_are_shown_in_words(modules: Tab) -> None:
    words = "(m) => [m.callStatus('CALL_STATUS_OK'), m.callStatus('CALL_STATUS_LOST_AT_SEA'),"
    words += " m.callStatus(99), m.stopReason(undefined), m.callStatus('CALL_STATUS_toString')]"
    assert await run(modules, "words", words) == ["whole", "lost at sea", "99", "", "tostring"]


def spans(lane: dict[str, Any]) -> list[tuple[int, int | None, int]]:
    """Returns start, first token and end of each attempt of a lane, in milliseconds."""
    return [
        (
            round(a["startMs"]),
            None if a["firstMs"] is None else round(a["firstMs"]),
            round(a["endMs"]),
        )
        for a in lane["attempts"]
    ]


def entry(
    model_id: str,
    status: str,
    duration_s: float,
    *,
    start_s: float = 0.0,
    first_s: float | None = None,
    kind: str = "FIRST",
    purpose: str = "ANSWER",
) -> dict[str, Any]:
    """Returns a ledger entry in its JSON form."""
    return {
        "modelId": model_id,
        "purpose": f"CALL_PURPOSE_{purpose}",
        "status": f"CALL_STATUS_{status}",
        "attemptKind": f"ATTEMPT_KIND_{kind}",
        "duration": f"{duration_s}s",
        "timeToStart": f"{start_s}s",
        **({} if first_s is None else {"timeToFirstToken": f"{first_s}s"}),
    }
