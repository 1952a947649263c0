"""The marks that frame what models are told and asked for.

Every mark carries a nonce drawn for the call, so that neither a user nor another model's answer can
forge one: text with a mark of another nonce is text.

    @@references 7f3a9c2e                       start of the untrusted part of a user turn
    @@reference 7f3a9c2e R1 ... @@end 7f3a9c2e R1
    @@assessment 7f3a9c2e {"self_score": 0.8, "grades": {"R1": 0.4}}
    @@selection 7f3a9c2e {"keep": ["R3", "R1"]}
    @@moderation 7f3a9c2e {"over": true}
"""

from __future__ import annotations

import re
import secrets

ASSESSMENT = "@@assessment"
SELECTION = "@@selection"
MODERATION = "@@moderation"
REFERENCES = "@@references"
REFERENCE = "@@reference"
END = "@@end"

ANY_MARK = re.compile(
    r"@@(?:assessment|selection|moderation)\b|@@(?:references|reference|end) [0-9a-f]{8}"
)
"""Any mark, of whatever nonce: none of them is ever part of an answer."""
LONGEST_MARK = len("@@assessment 01234567")


def new_nonce() -> str:
    """Returns eight random hexadecimal digits."""
    return secrets.token_hex(4)
