"""Marks calls of tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.examination.questions.checkers.checker import RIGHT, Reply, ToolCall, Verdict, wrong
from services.examination.questions.checkers.json_answer import same

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that has to be asked for."""

    name: str
    arguments: Mapping[str, Any]

    def matches(self, call: ToolCall) -> bool:
        """Returns whether a call is this one."""
        try:
            arguments = json.loads(call.arguments)
        except (ValueError, RecursionError):
            return False
        return call.name == self.name and same(arguments, self.arguments)


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """Expects exactly these calls, in any order."""

    expected: tuple[ExpectedCall, ...]

    def check(self, reply: Reply) -> Verdict:
        """Marks the calls of a reply."""
        if len(reply.tool_calls) != len(self.expected):
            return wrong(f"{len(reply.tool_calls)} calls instead of {len(self.expected)}")
        left = list(reply.tool_calls)
        for expected in self.expected:
            call = next((call for call in left if expected.matches(call)), None)
            if call is None:
                return wrong(f"no right call of {expected.name}")
            left.remove(call)
        return RIGHT
