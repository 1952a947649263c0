"""Draws the arm of a conversation: the same one at every call, in every process."""

from __future__ import annotations

import hashlib

_BYTES = 8


def takes_candidate(rollout_id: str, key: str, share: float) -> bool:
    """Returns whether the candidate answers the calls with a key.

    Args:
        rollout_id: The rollout's id; another rollout draws anew.
        key: The conversation, or the query of a call without one.
        share: Share of the keys that the candidate answers, in [0, 1].
    """
    digest = hashlib.blake2b(
        key.encode("utf-8", "replace"), digest_size=_BYTES, key=rollout_id.encode()
    ).digest()
    drawn: float = int.from_bytes(digest) / 2 ** (8 * _BYTES)
    return drawn < share
