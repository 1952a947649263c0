"""Decides which models to call next, by expected gain against price. Pure.

The first call may be a cheap one whose answer a second model confirms, so the decision looks one call
ahead. If a second call will follow whatever the first answers, both start together, which costs nothing
but the call that would be spared if the first answer turned out not to be comparable.

The decision does not look ahead at what the text of an answer may show: on training queries, calls that
are chosen for what may be read cost more than they bring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.routing.agreement import (
    Opinion,
    call_and_value,
    shifted,
    worthwhile_call,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.routing.agreement import Offer

_MOST_CONTENDERS = 6
"""Offers that are weighed: the time of a decision grows with their third power."""
_COMPARABLE = "an answer that can be compared"
_DOUBT = 0.5
"""Log odds that a text may take from its answer without being a surprise. On folds of training queries,
reading the other answers too changed nothing that counts."""


def next_calls(
    opinions: Sequence[Opinion], offers: Sequence[Offer], *, comparable_share: float
) -> tuple[Offer, ...]:
    """Returns the calls to start now; none if the leading answer is worth more than any call.

    If no answer can be compared, no further one can confirm it, and the best model's answer stands.

    Args:
        opinions: The answers so far.
        offers: The models that may be called.
        comparable_share: Probability that an answer can be compared with others.
    """
    contenders = _contenders(offers)
    if opinions:
        if all(opinion.final_answer is None for opinion in opinions):
            return ()
        offer = worthwhile_call(opinions, contenders)
        return () if offer is None else (offer,)
    if not contenders:
        return ()
    first, second = _first_calls(contenders)
    if second is None or not _saves_by_haste(second, comparable_share):
        return (first,)
    return (first, second)


def wants_second(offers: Sequence[Offer], *, may_doubt: bool) -> bool:
    """Returns whether a second call may follow the first one if its answer can be compared.

    Args:
        offers: The models that may be called.
        may_doubt: True if the text of the answer may speak against it.
    """
    contenders = _contenders(offers)
    if not contenders:
        return False
    first, second = _first_calls(contenders)
    if second is not None or not may_doubt:
        return second is not None
    others = [offer for offer in contenders if offer is not first]
    return call_and_value([_answer(first, -_DOUBT)], others)[0] is not None


def _first_calls(offers: Sequence[Offer]) -> tuple[Offer, Offer | None]:
    """Returns the best first call, and the one that follows a comparable answer, if any does."""
    best: tuple[Offer, Offer | None] = offers[0], None
    best_value = float("-inf")
    for first in offers:
        others = [offer for offer in offers if offer is not first]
        second, value = call_and_value([_answer(first)], others)
        if value - first.price > best_value:
            best, best_value = (first, second), value - first.price
    return best


def _answer(offer: Offer, said: float = 0.0) -> Opinion:
    """Returns an answer that can be compared, with the log odds that its text says."""
    return Opinion(
        model_id=offer.model_id,
        score=shifted(offer.score, said),
        prior=offer.score,
        final_answer=_COMPARABLE,
    )


def _saves_by_haste(second: Offer, comparable_share: float) -> bool:
    """Returns whether the time that a second call saves by its early start is worth its risk."""
    return comparable_share * second.latency_price >= (1 - comparable_share) * second.price


def _contenders(offers: Sequence[Offer]) -> list[Offer]:
    """Returns the offers that at most two others surpass in score and price, best value first.

    Three equal models are kept, since a third decides between two that contradict each other.
    """
    by_value = sorted(offers, key=lambda offer: offer.price - offer.score)
    kept: list[Offer] = []
    for offer in by_value:
        surpassing = (o for o in kept if o.score >= offer.score and o.price <= offer.price)
        if sum(1 for _ in surpassing) < 3:
            kept.append(offer)
    return kept[:_MOST_CONTENDERS]
