"""Ids of decisions, which prove their time and their tenant to every router with the same key.

`<seconds since 1970, 8 hex digits><random, 16 digits><HMAC-SHA256 of both and the tenant, 24 digits>`

So a router knows the decisions of the others, without a look into the sink.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime

_TIME_DIGITS = 8
_RANDOM_BYTES = 8
_STEM_DIGITS = _TIME_DIGITS + 2 * _RANDOM_BYTES
_PROOF_DIGITS = 24
"""96 bits: nobody guesses them at any rate of calls."""


class DecisionIds:
    """Makes and checks ids.

    Args:
        key: The key that all routers have; None for a key of this process.
    """

    def __init__(self, key: bytes | None) -> None:
        # A key of its own: hashes of queries are made with the operator's key itself.
        secret = key or secrets.token_bytes(32)
        self._key = hmac.digest(secret, b"routemoa decision id", hashlib.sha256)

    def new(self, tenant: str | None, started: datetime) -> str:
        """Returns a new id for a decision of a tenant; None stands for callers without a tenant."""
        stem = f"{int(started.timestamp()):0{_TIME_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}"
        return stem + self._proof(stem, tenant)

    def started(self, decision_id: str, tenant: str | None) -> datetime | None:
        """Returns the start of a tenant's decision; None if the id is not that of one."""
        stem = decision_id[:_STEM_DIGITS]
        whole = (stem + self._proof(stem, tenant)).encode()
        if not hmac.compare_digest(whole, decision_id.encode()):
            return None
        return datetime.fromtimestamp(int(stem[:_TIME_DIGITS], 16), UTC)

    def _proof(self, stem: str, tenant: str | None) -> str:
        message = json.dumps([stem, tenant]).encode()
        return hmac.digest(self._key, message, hashlib.sha256).hex()[:_PROOF_DIGITS]
