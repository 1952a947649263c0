"""Marks a Python function by what it returns, in a sandbox; takes up to ten seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong
from services.examination.questions.checkers.json_answer import same
from services.examination.questions.checkers.sandbox import SandboxError, call_in_sandbox

_MAX_CHARACTERS = 20_000
_FENCED = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProgramAnswer:
    """Expects a function that returns these values; the program never sees them."""

    function: str
    calls: tuple[tuple[Any, ...], ...]
    expected: tuple[Any, ...]

    def check(self, reply: Reply) -> Verdict:
        """Runs the last code block of a reply, or the whole reply if it has none."""
        blocks = _FENCED.findall(reply.text)
        source = blocks[-1] if blocks else reply.text
        if f"def {self.function}" not in source:
            return wrong(f"no function {self.function}")
        if len(source) > _MAX_CHARACTERS:
            return wrong("the program is too long")
        try:
            returned = call_in_sandbox(source, self.function, self.calls)
        except SandboxError as error:
            return wrong(str(error))
        passed = sum(map(same, returned, self.expected))
        if len(returned) != len(self.expected) or passed < len(self.expected):
            return wrong(f"passes {passed} of {len(self.expected)} tests")
        return RIGHT
