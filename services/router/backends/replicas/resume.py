"""How another replica goes on where one broke off, and where its text joins on.

A backend that can continue a started answer gets what there is of it and goes on exactly there. Any
other is shown its answer and asked to go on; what it repeats of the end is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.types.conversation import Message, Role

if TYPE_CHECKING:
    from services.router.backends.call import ModelCall

_GO_ON = (
    "Your answer was cut off. Go on exactly where it stops: do not repeat any of it, do not start "
    "again, and do not mention the interruption."
)
_REPEATED_CHARACTERS = 200
"""The most of the end that is looked for at the start of what a backend was asked to go on with."""
_LEAST_REPEATED = 8
"""Fewer characters than this are a coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What a further attempt is sent, and how its text joins on."""

    messages: tuple[Message, ...]
    partial: str
    """What the backend is to go on from; empty if it is asked to in words, or starts anew."""
    seam: Seam


def continuation(call: ModelCall, *, exact: bool) -> Continuation:
    """Returns how a call goes on whose reply broke off.

    Args:
        call: With the text so far.
        exact: Whether the backend can continue a started answer.
    """
    text = call.text
    if exact:
        # Chat templates strip the end of a turn; what they take away, the model writes again.
        partial = text.rstrip()
        seam = Seam(text[len(partial) :], least=1)
        return Continuation(messages=call.messages, partial=partial, seam=seam)
    messages = (
        *call.messages,
        Message(role=Role.ASSISTANT, content=text),
        Message(role=Role.USER, content=_GO_ON),
    )
    seam = Seam(text[-_REPEATED_CHARACTERS:], least=_LEAST_REPEATED)
    return Continuation(messages=messages, partial="", seam=seam)


class Seam:
    """Leaves out of a text what it repeats of the end of the one before.

    Args:
        end: The end of the text before.
        least: How many characters a repetition has at least.
    """

    def __init__(self, end: str, *, least: int) -> None:
        self._end = end
        self._least = least
        self._held = ""
        self._joined = not end

    def feed(self, text: str) -> str:
        """Takes more text and returns what of it is new; holds it while that is open."""
        if self._joined:
            return text
        self._held += text
        if any(self._end.startswith(self._held, start) for start in range(len(self._end))):
            return ""
        return self.finish()

    def finish(self) -> str:
        """Returns what was held and is new, as no more is to come that could settle it."""
        held, self._held, self._joined = self._held, "", True
        longest = min(len(held), len(self._end))
        for length in range(longest, self._least - 1, -1):
            if self._end.endswith(held[:length]):
                return held[length:]
        return held
