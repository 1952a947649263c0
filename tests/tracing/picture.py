"""Draws the trace of one answer, from the spans that a collector would get.

    python -m tests.tracing.picture --svg docs/trace.svg

All services run as processes, over the simulated pool.
"""

from __future__ import annotations

import argparse
import asyncio
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from services.local.stack import StackConfig, running_stack
from tests.tracing.receivers import running_receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.tracing.spans import ReceivedSpan

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
QUESTION = "Is a tomato a fruit?"
_WIDTH, _NAMES, _ROW, _TOP, _INDENT = 960, 330, 22, 44, 12
_COLOURS = {
    "routemoa-gateway": "#7b61c9",
    "routemoa-router": "#2f6fb3",
    "routemoa-scorer": "#3a8f5c",
    "routemoa-judge": "#b3702f",
}


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Draws the trace of one answer.")
    parser.add_argument("--svg", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    spans = asyncio.run(_traced())
    options.svg.write_text(picture(spans))


async def _traced() -> list[ReceivedSpan]:
    """Returns the spans of one answer."""
    async with running_receiver() as (endpoint, received):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        config = StackConfig(environment=variables, start_timeout_s=170)
        async with running_stack(config) as stack, aiohttp.ClientSession() as session:
            url = f"http://{stack.gateway_address}/v1/chat/completions"
            for trace_id in ("ab" * 16, TRACE):  # the first one opens connections
                headers = {"traceparent": f"00-{trace_id}-{PARENT}-01"}
                body = {
                    "model": "routemoa",
                    "messages": [{"role": "user", "content": QUESTION}],
                    "routemoa": {"policy": {"strategy": "layers", "max_layer_count": 1}},
                }
                async with session.post(url, json=body, headers=headers) as response:
                    assert response.status == 200, await response.text()
        return received.trace(TRACE)


def picture(spans: Sequence[ReceivedSpan]) -> str:
    """Returns the picture as SVG: a row per span, in the order of the tree, with its time."""
    start = min(span.start_ns for span in spans)
    length = max(span.end_ns for span in spans) - start
    rows = _tree(spans)
    height = _TOP + _ROW * len(rows) + 10
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="system-ui, sans-serif" font-size="12">'
        ),
        "<title>The trace of one answer</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(),
    ]
    for number, (depth, span) in enumerate(rows):
        y = _TOP + _ROW * number
        scale = (_WIDTH - _NAMES - 70) / length
        x = _NAMES + (span.start_ns - start) * scale
        width = max(1.5, (span.end_ns - span.start_ns) * scale)
        took_ms = (span.end_ns - span.start_ns) / 1e6
        colour = _COLOURS.get(span.service, "#777777")
        parts += [
            f'<text x="{8 + _INDENT * depth}" y="{y + 14}" fill="#222222">{_label(span)}</text>',
            (
                f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="14" rx="2" '
                f'fill="{colour}"/>'
            ),
            f'<text x="{x + width + 4:.1f}" y="{y + 14}" fill="#555555">{took_ms:.0f} ms</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> list[str]:
    parts, x = [], 8
    for service, colour in _COLOURS.items():
        parts += [
            f'<rect x="{x}" y="12" width="12" height="12" rx="2" fill="{colour}"/>',
            f'<text x="{x + 18}" y="22" fill="#222222">{service}</text>',
        ]
        x += 150
    return parts


def _label(span: ReceivedSpan) -> str:
    name = span.name.rpartition("/")[2] if span.name.startswith("routemoa.v1.") else span.name
    return escape(name if len(name) <= 44 else f"{name[:43]}…")


def _tree(spans: Sequence[ReceivedSpan]) -> list[tuple[int, ReceivedSpan]]:
    """Returns the spans with their depth, each before its children, in the order of time."""
    children: dict[str, list[ReceivedSpan]] = {}
    known = {span.span_id for span in spans}
    for span in sorted(spans, key=lambda span: span.start_ns):
        parent = span.parent_id if span.parent_id in known else ""
        children.setdefault(parent, []).append(span)
    rows: list[tuple[int, ReceivedSpan]] = []

    def visit(parent: str, depth: int) -> None:
        for span in children.get(parent, ()):
            rows.append((depth, span))
            visit(span.span_id, depth + 1)

    visit("", 0)
    return rows


if __name__ == "__main__":
    main()
