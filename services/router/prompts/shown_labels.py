"""Finds labels and marks of references in an answer: they mean nothing to the user. Pure, linear.

Small models answer "R2 is right", or copy the start of a mark. A label counts only if the prompt has it
in a mark, and no text of the user or of a reference has it too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Message

_LABEL = re.compile(r"\bR[0-9]{1,3}\b")
_MARK = re.compile(
    r"@(?:references?|end|assessment|selection|moderation) {1,4}[0-9a-f]{2,8}\b", re.IGNORECASE
)


def shown_labels(text: str, messages: Sequence[Message], nonce: str) -> tuple[str, ...]:
    """Returns the labels and marks of the prompt that an answer shows.

    Args:
        text: The answer.
        messages: The prompt.
        nonce: The nonce of the prompt's marks; without one there are none.
    """
    found = dict.fromkeys((*_LABEL.findall(text), *_MARK.findall(text)))
    if not nonce or not found:
        return ()
    lines = "\n".join(message.content for message in messages).split("\n")
    marked = {label for line in lines if nonce in line for label in _LABEL.findall(line)}
    others = "\n".join(line for line in lines if nonce not in line)
    said = {*_LABEL.findall(others), *_MARK.findall(others)}
    return tuple(each for each in found if each not in said and (each in marked or each[0] == "@"))
