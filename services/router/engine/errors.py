"""Errors of a run without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.errors import (
    AnswerTimedOutError,
    GenerationFailedError,
    MissingCapabilityError,
    NoEligibleModelError,
    NoValidAnswerError,
)
from services.router.routing.candidates import StopReason
from services.router.types.ledger import CallStatus
from services.router.types.options import in_order
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.router.pool.pool import Pool
    from services.router.routing.candidates import Ranking
    from services.router.routing.policy import Policy
    from services.router.types.conversation import Conversation
    from services.router.types.ledger import Ledger
    from services.router.types.options import Capability


def no_answer(
    ledger: Ledger, invalid_ids: Sequence[str] = ()
) -> GenerationFailedError | AnswerTimedOutError | NoValidAnswerError:
    """Returns the error of a run without an answer.

    Args:
        ledger: The calls of the run.
        invalid_ids: The models whose answers do not keep to the form of the request.
    """
    if invalid_ids:
        return NoValidAnswerError(
            "no answer keeps to the form that the request asks for",
            {
                "model_ids": listed(dict.fromkeys(invalid_ids)),
                "cost_usd": f"{ledger.cost_usd:.6f}",
            },
        )
    metadata = {
        "model_ids": listed(entry.model_id for entry in ledger.entries),
        "statuses": listed(f"CALL_STATUS_{entry.status.name}" for entry in ledger.entries),
        "cost_usd": f"{ledger.cost_usd:.6f}",
    }
    if any(entry.status is CallStatus.TIMEOUT for entry in ledger.entries):
        message = "no model answered in the time that the caller allows"
        return AnswerTimedOutError(message, metadata)
    return GenerationFailedError("every model that was called failed", metadata)


def missing_capability(missing: Iterable[Capability]) -> MissingCapabilityError:
    """Returns the error of a request that needs capabilities that no model has."""
    names = [capability.name for capability in in_order(missing)]
    return MissingCapabilityError(
        f"no model that may run can do what the request needs: {', '.join(names).lower()}",
        {"capabilities": listed(f"CAPABILITY_{name}" for name in names)},
    )


def nothing_eligible(ranked: Ranking, policy: Policy, limit: StopReason) -> NoEligibleModelError:
    """Returns the error of a run whose limits leave no model for the first layer."""
    candidates = ranked.candidates
    if not ranked:
        return NoEligibleModelError("no model that the policy allows can hold the conversation")
    if limit is StopReason.TOKEN_LIMIT:
        return NoEligibleModelError(
            "the smallest call could take more tokens than the policy allows",
            {"max_token_count": str(policy.max_token_count)},
        )
    if limit is StopReason.COST_LIMIT:
        cheapest_usd = float(candidates.worst_cost_usd.min())
        return NoEligibleModelError(
            "the cheapest call could cost more than the policy allows",
            {
                "max_cost_usd": str(policy.max_cost_usd),
                "cheapest_call_usd": f"{cheapest_usd:.6f}",
            },
        )
    fastest_s = float(candidates.expected_latency_s.min())
    return NoEligibleModelError(
        "every model is expected to take longer than the policy allows",
        {
            "max_expected_latency_s": str(policy.max_expected_latency_s),
            "fastest_expected_latency_s": f"{fastest_s:.3f}",
        },
    )


def check_capabilities(pool: Pool, policy: Policy, conversation: Conversation) -> None:
    """Refuses a request that no model can answer.

    Raises:
        MissingCapabilityError: No model that the policy allows has all capabilities that are needed.
    """
    needs, models = conversation.needs, pool.all_models
    able = models.able(needs)
    if able.any() and (not policy.model_ids or able[models.among(policy.model_ids)].any()):
        return
    allowed = [model.abilities for model in models if policy.allows(model.id)]
    missing = needs.difference(*allowed) or needs  # each may be there, but not in one model
    raise missing_capability(missing)
