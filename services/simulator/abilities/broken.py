"""Replies that are wrong on purpose, as models sometimes are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.simulator.call import Reply
from services.simulator.fault import FaultKind

if TYPE_CHECKING:
    from services.simulator.call import Call, ToolCall

UNKNOWN_TOOL = "no_such_tool"


def broken(reply: Reply, call: Call, fault: FaultKind | None) -> Reply:
    """Returns the reply with a fault in its text or calls; unchanged for faults of the connection."""
    match fault:
        case FaultKind.WRONG_TOOL:
            return replace(reply, tool_calls=tuple(_wrong(c, call) for c in reply.tool_calls))
        case FaultKind.UNKNOWN_TOOL:
            calls = tuple(replace(asked, name=UNKNOWN_TOOL) for asked in reply.tool_calls)
            return replace(reply, tool_calls=calls)
        case FaultKind.HALF_JSON:
            return _halved(reply, call)
        case FaultKind.REFUSAL:
            return Reply(text="", refusal=f"[simulated refusal of {call.model}]")
        case FaultKind.EMPTY:
            return Reply(text="")
        case _:
            return reply


def _wrong(asked: ToolCall, call: Call) -> ToolCall:
    """Returns a call to the next tool, or with other arguments if there is one tool alone."""
    names = [tool.name for tool in call.options.tools]
    if len(names) < 2 or asked.name not in names:
        return replace(asked, arguments='{"wrong": true}')
    return replace(asked, name=names[(names.index(asked.name) + 1) % len(names)])


def _halved(reply: Reply, call: Call) -> Reply:
    calls = tuple(
        replace(asked, arguments=asked.arguments[: len(asked.arguments) // 2])
        for asked in reply.tool_calls
    )
    text = reply.text if call.options.json_schema is None else reply.text[: len(reply.text) // 2]
    return replace(reply, tool_calls=calls, text=text)
