"""A run of a pool whose models differ only as a test says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from services.router.engine.run import Run
from services.router.pool.model import PoolModel
from services.router.pool.pool import Pool
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallPurpose, CallStatus, LedgerEntry
from services.router.types.messages import Message, Role
from tests.unit.router.candidates import POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED = Conversation(messages=(Message(role=Role.USER, content="How many legs?"),))
ENTRY = LedgerEntry(
    model_id="a",
    purpose=CallPurpose.ANSWER,
    status=CallStatus.OK,
    layer_number=1,
    prompt_tokens=10,
    completion_tokens=20,
    cost_usd=0.25,
    estimated=False,
    duration_s=1.0,
    time_to_first_token_s=0.5,
)


def pool_model(model_id: str, **fields: Any) -> PoolModel:
    return PoolModel.model_validate(
        {
            "id": model_id,
            "url": "http://localhost/v1",
            "prompt_price_usd_per_million_tokens": 1,
            "completion_price_usd_per_million_tokens": 2,
            "context_window_tokens": 8_000,
            "max_reply_tokens": 1_000,
            "expected_reply_tokens": 400,
            "median_latency_s": 2.0,
            **fields,
        }
    )


def run_of(scores: Mapping[str, float], *models: PoolModel, pool: Any = None, **fields: Any) -> Run:
    """Returns a run with prior scores by model; models that are not given are plain ones."""
    given = {model.id: model for model in models}
    members = tuple(given.get(model_id) or pool_model(model_id) for model_id in scores)
    return Run(
        pool=Pool(models=members, **(pool or {})),
        conversation=fields.pop("conversation", ASKED),
        policy=fields.pop("policy", POLICY),
        deadline=fields.pop("deadline", None) or Deadline.after(100),
        priors=scores,
        started_s=time.monotonic(),
        **fields,
    )
