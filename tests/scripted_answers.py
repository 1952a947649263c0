"""Replies that a test fixes beforehand, per model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.simulator.call import Call, Reply

Script = str | Reply | Callable[[Call], str | Reply]
"""A text, a reply, or a function of the call that makes one."""


class ScriptedAnswers:
    """Answers every call to a model with that model's script."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = dict(scripts)

    @property
    def models(self) -> Sequence[str]:
        """The models that have a script."""
        return tuple(self._scripts)

    def reply(self, call: Call) -> Reply:
        """Returns the reply of the script of the call's model."""
        script = self._scripts[call.model]
        said = script(call) if callable(script) else script
        return said if isinstance(said, Reply) else Reply(text=said)
