"""Decides which tools a simulated model calls, and with what. The rule is always the same.

- A tool is called if a word of its name, of four letters or more, is among the words of the query. The
  tool with the most such words is called, the first one of equals. `get_weather` matches "Is the
  weather good?".
- With the choice `required`, the first tool is called if none matches; a named tool is called always.
- After a tool's result, a tool is called only if the result names it. Otherwise the model answers.
- A string in the arguments is the last word of the query with a capital letter, not counting its first
  word, or else the query. "in Paris and Rome" makes two calls, if parallel ones are allowed.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from services.simulator.abilities.sample_value import NUMBER, sample_value
from services.simulator.call import ToolCall

if TYPE_CHECKING:
    from services.simulator.call import Call, Tool

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"(?<=\s)[A-Z]\w*")
_LEAST_LETTERS = 4
_MAX_CALLS = 8


def tool_calls(call: Call) -> tuple[ToolCall, ...]:
    """Returns the calls to tools that the model asks for; none if it answers instead."""
    tool = _chosen(call)
    if tool is None:
        return ()
    subjects = _subjects(call.query) or [call.query]
    if not call.options.parallel_tool_calls or " and " not in call.query:
        subjects = subjects[-1:]
    return tuple(_call(call, tool, subject) for subject in subjects[:_MAX_CALLS])


def _chosen(call: Call) -> Tool | None:
    options = call.options
    if not options.tools or options.tool_choice == "none":
        return None
    if options.tool_choice.startswith("="):
        named = options.tool_choice[1:]
        return next((tool for tool in options.tools if tool.name == named), None)
    last = call.messages[-1]
    if last.role == "tool":
        found = next((tool for tool in options.tools if tool.name in last.content), None)
    else:
        found = _matching(call)
    if found is None and options.tool_choice == "required":
        return options.tools[0]
    return found


def _matching(call: Call) -> Tool | None:
    words = {word.casefold() for word in _WORD.findall(call.query)}

    def matches(tool: Tool) -> int:
        names = {word.casefold() for word in _WORD.findall(tool.name.replace("_", " "))}
        return sum(len(name) >= _LEAST_LETTERS for name in names & words)

    best = max(call.options.tools, key=matches)
    return best if matches(best) else None


def _subjects(query: str) -> list[str]:
    return list(dict.fromkeys(_NAME.findall(query)))


def _call(call: Call, tool: Tool, subject: str) -> ToolCall:
    found = NUMBER.search(call.query)
    number = found[0] if found else ""
    arguments = sample_value({"type": "object", **tool.parameters}, subject or number)
    if number and NUMBER.search(subject) is None:
        with_number = sample_value({"type": "object", **tool.parameters}, number)
        arguments = {
            name: with_number[name] if isinstance(value, int | float) else value
            for name, value in arguments.items()
        }
    text = json.dumps(arguments)
    turn = f"{call.model}\0{len(call.messages)}\0{tool.name}\0{text}"
    return ToolCall(
        id=f"call_{hashlib.sha256(turn.encode()).hexdigest()[:8]}", name=tool.name, arguments=text
    )
