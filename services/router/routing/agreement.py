"""Agreement between answers: how likely each is right, and if one more call is worthwhile. Pure.

If models that were called independently give the same final answer, it is more likely right. If they
give different ones, each is less likely right, and the query is harder for the next model too. With
l(p) the log odds of a score p, and p1 >= p2 >= ... the scores of the models that gave answer a:

    strength(a)  = l(p1) + INDEPENDENCE * (max(0, l(p2)) + max(0, l(p3)) + ...)
    posterior(a) = exp(strength(a)) / (1 + sum over answers b of exp(strength(b)))

The 1 is the weight of "all are wrong", so that a single answer keeps its score as posterior.

What the answers so far show of the leading one, they show of the query: with c the change of its log
odds since before any model ran, CARRY * c applies to the models not yet called.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEPENDENCE = 0.35
"""The weight of a further model that agrees; 1 would mean that models err independently. Fitted on
training queries of routerbench11; 0.25 to 0.5 do about as well."""

CARRY = 0.75
"""Share of the change in the leading answer's log odds that also applies to models not yet called: a
query on which two models disagree, or whose first answer reads badly, is harder for a third. Chosen on
folds of the training queries of three pools."""

_LEAST, _MOST = 0.02, 0.98
"""Scores are clipped to this range: no model is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One model's answer, given without reading the other answers."""

    model_id: str
    score: float
    """Probability that the answer is right, from all that is said of it alone, in [0, 1]."""
    final_answer: str | None
    """The final answer in a form that can be compared; None agrees with nothing."""
    prior: float | None = None
    """The score of the model from before it ran, in [0, 1]; None if nothing has changed it."""
    source: str = ""
    """The model behind several ids: answers of one source that agree count as one. Empty: the id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that could be called."""

    model_id: str
    score: float
    """Prior score, in [0, 1]."""
    price: float
    """Cost and latency of the call on the scale of scores, as the ranking subtracts them."""
    latency_price: float = 0.0
    """The part of the price that is for the latency."""


def agreeing(texts: Sequence[str], keys: Sequence[str | None]) -> tuple[int, ...]:
    """Returns the indices of texts with the same final answer or words as the first.

    Args:
        texts: The texts.
        keys: The final answer of each, in a form that can be compared; None agrees with nothing.
    """
    words = [text.casefold().split() for text in texts]
    return tuple(
        index
        for index, key in enumerate(keys)
        if words[index] == words[0] or (key is not None and key == keys[0])
    )


def posteriors(opinions: Sequence[Opinion]) -> dict[str, float]:
    """Returns by model the probability that its answer is right."""
    groups = _groups(opinions)
    beliefs = _beliefs([_Group.of(group) for group in groups])
    return {
        opinion.model_id: belief
        for group, belief in zip(groups, beliefs, strict=True)
        for opinion in group
    }


def shifted(score: float, said: float) -> float:
    """Returns a score after a number of log odds has been said for it."""
    return _probability(_log_odds(score) + said)


def has_settled_majority(opinions: Sequence[Opinion], pending: Sequence[float]) -> bool:
    """Returns whether a majority agrees on an answer that the pending models cannot overturn.

    Args:
        opinions: The answers so far.
        pending: The prior scores of the models that have not answered yet.
    """
    groups = [group for group in _groups(opinions) if len(group) > 1]
    lead = max(groups, key=len, default=[])
    if 2 * len(lead) <= len(opinions) + len(pending):
        return False
    late = [_log_odds(score) for score in pending]
    rivals = [_odds(group) + late for group in _groups(opinions) if group != lead] + [late]
    strength = _strength(_odds(lead))
    return all(strength >= _strength(rival) for rival in rivals if rival)


def worthwhile_call(opinions: Sequence[Opinion], offers: Sequence[Offer]) -> Offer | None:
    """Returns the model to call next; None if the leading answer is worth more than any call.

    The value of a call, less its price, is the larger of two: the value of the model's own answer, and
    the expected value of the best next step once it has confirmed or contradicted the leading answer.
    The probabilities of these two cases are such that the expected posterior is the current one.

    Args:
        opinions: The answers so far.
        offers: The models that may still be called. Of equals the first is chosen.
    """
    if not opinions:
        return max(offers, key=lambda offer: offer.score - offer.price, default=None)
    return call_and_value(opinions, offers)[0]


def call_and_value(
    opinions: Sequence[Opinion], offers: Sequence[Offer]
) -> tuple[Offer | None, float]:
    """Returns the call after some answers as `worthwhile_call` does, and the value of that step."""
    groups = [_Group.of(group) for group in _groups(opinions)]
    comparable = any(opinion.final_answer is not None for opinion in opinions)
    current = _beliefs(groups)
    calls = [_Call.of(offer) for offer in offers]
    best, best_value = None, max(current)
    for index, as_answer in enumerate(_as_answers(groups, current, calls)):
        value = as_answer
        if comparable:
            others = calls[:index] + calls[index + 1 :]
            value = max(as_answer, _as_witness(groups, current, calls[index], others))
        if value > best_value:
            best, best_value = offers[index], value
    return best, best_value


class _Group(NamedTuple):
    """An answer: the log odds of those who gave it, the greatest of them before, and its weight."""

    odds: list[float]
    prior: float
    weight: float

    @classmethod
    def of(cls, opinions: Sequence[Opinion]) -> _Group:
        priors = (each.score if each.prior is None else each.prior for each in opinions)
        odds = _odds(opinions)
        return cls(odds, _log_odds(max(priors)), math.exp(_strength(odds)))

    def confirmed(self, odds: float) -> _Group:
        """Returns the answer once one more has given it."""
        both = [*self.odds, odds]
        return _Group(both, max(self.prior, odds), math.exp(_strength(both)))


class _Call(NamedTuple):
    """A call that could be made: the log odds of its model's score, its price, its answer alone."""

    odds: float
    price: float
    answer: _Group

    @classmethod
    def of(cls, offer: Offer) -> _Call:
        odds = _log_odds(offer.score)
        return cls(odds, offer.price, _Group([odds], odds, math.exp(odds)))


def _beliefs(groups: Sequence[_Group]) -> list[float]:
    weights = [group.weight for group in groups]
    total = 1 + sum(weights)
    return [weight / total for weight in weights]


def _as_answers(
    groups: Sequence[_Group], current: list[float], calls: Sequence[_Call]
) -> list[float]:
    """Returns the value of each call if its answer is used."""
    lead = current.index(max(current))
    shift = CARRY * (_log_odds(current[lead]) - groups[lead].prior)
    return [1 / (1 + math.exp(-(call.odds + shift))) - call.price for call in calls]


def _as_witness(
    groups: list[_Group], current: list[float], call: _Call, others: Sequence[_Call]
) -> float:
    """Returns the value of a call that confirms or contradicts the leading answer."""
    lead = current.index(max(current))
    confirmed, contradicted = list(groups), [*groups, call.answer]
    confirmed[lead] = groups[lead].confirmed(call.odds)
    if_confirmed, if_not = _beliefs(confirmed), _beliefs(contradicted)
    spread = if_confirmed[lead] - if_not[lead]
    p_confirmed = 0.0
    if spread > 0:
        p_confirmed = min(1.0, max(0.0, (current[lead] - if_not[lead]) / spread))
    return (
        p_confirmed * _best_value(confirmed, if_confirmed, others)
        + (1 - p_confirmed) * _best_value(contradicted, if_not, others)
        - call.price
    )


def _best_value(groups: Sequence[_Group], current: list[float], calls: Sequence[_Call]) -> float:
    """Returns the larger value: that of stopping here, or of one last call."""
    return max(current + _as_answers(groups, current, calls))


def _groups(opinions: Sequence[Opinion]) -> list[list[Opinion]]:
    """Groups the opinions by final answer."""
    silent = [[opinion] for opinion in opinions if opinion.final_answer is None]
    spoken = sorted(
        (opinion for opinion in opinions if opinion.final_answer is not None),
        key=lambda opinion: opinion.final_answer or "",
    )
    return silent + [list(group) for _, group in groupby(spoken, lambda o: o.final_answer)]


def _odds(group: Sequence[Opinion]) -> list[float]:
    """Returns the log odds of each source in a group."""
    scores: dict[str, float] = {}
    for opinion in group:
        source = opinion.source or opinion.model_id
        scores[source] = max(opinion.score, scores.get(source, 0.0))
    return [_log_odds(score) for score in scores.values()]


def _strength(odds: list[float]) -> float:
    if len(odds) == 1:
        return odds[0]
    first, *rest = sorted(odds, reverse=True)
    return first + INDEPENDENCE * sum(max(0.0, each) for each in rest)


def _log_odds(score: float) -> float:
    score = min(max(score, _LEAST), _MOST)
    return math.log(score / (1 - score))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
