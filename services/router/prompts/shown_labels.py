"""Finds labels and marks of references in an answer: they mean nothing to the user. Pure, linear.

Small models answer "R2 is right", also where there is no second reference, or copy the start of a mark.
A label or mark counts unless the text of the user or of a reference has it too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.router.prompts.prompts import REFERENCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Message

_LABEL = re.compile(r"\bR(?:[1-9]|1[0-9])\b")
_MARK = re.compile(
    r"@(?:references?|end|assessment|selection|moderation) {1,4}[0-9a-f]{2,8}\b", re.IGNORECASE
)


def shown_labels(text: str, messages: Sequence[Message], nonce: str) -> tuple[str, ...]:
    """Returns the labels and marks that an answer shows.

    Args:
        text: The answer.
        messages: The prompt.
        nonce: The nonce of the prompt's marks; without one there are none.
    """
    found = dict.fromkeys((*_LABEL.findall(text), *_MARK.findall(text)))
    if not nonce or not found:
        return ()
    lines = "\n".join(message.content for message in messages).split("\n")
    if not any(nonce in line and _LABEL.search(line) for line in lines):
        return ()  # it has read no references
    pairs = zip(["", *lines], lines, strict=False)
    start = f"{REFERENCES} {nonce}"  # the line after it is the router's
    others = "\n".join(line for last, line in pairs if nonce not in line and last != start)
    said = {*_LABEL.findall(others), *_MARK.findall(others)}
    return tuple(each for each in found if each not in said)
