"""Models that may run, with their estimates and utilities, and the reasons of decisions about them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, overload

import numpy as np

from services.router.types.amounts import Amount, most_usd
from services.router.types.id_order import alphabetical_places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from services.router.types.amounts import Caps

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Booleans = npt.NDArray[np.bool_]


class StopReason(enum.Enum):
    """The reason why no further layer runs."""

    SCORE = "a model that answered reached the stopping score"
    LAYER_LIMIT = "the most layers allowed have run"
    COST_LIMIT = "another layer could cost more than is left"
    CALL_LIMIT = "the most calls allowed have been made"
    DEADLINE = "the time left is too short for another layer"
    AGREEMENT = "the models agree"
    NO_MODEL = "no model is left that could run"
    TOKEN_LIMIT = "another layer could take more tokens than are left"  # noqa: S105  # no secret
    NO_GAIN = "the last layer brought no evidence that another would change the answer"
    COMPLETE = "the strategy has done all that it does"
    MODERATOR = "the moderator ended the debate"


class SelectionReason(enum.Enum):
    """The reason why a model runs or does not; documented in the contract's enum of the same name."""

    RANK = "runs because of its rank"
    TEAM = "runs because it complements the models before it"
    SAFE = "runs as a safe model because the ranking is uncertain"
    STRATEGY = "runs because the strategy chose it"
    SCORE_GAP = "does not run: its score is too far below the best one"
    COST_LIMIT = "does not run: it could cost more than is left"
    LATENCY_LIMIT = "does not run: it is expected to take too long"
    TOKEN_LIMIT = "does not run: it could take more tokens than are left"  # noqa: S105  # no secret
    LAYER_FULL = "does not run: the layer is full"
    SESSION = "runs because the conversation stays with it"
    UNAVAILABLE = "does not run: none of its replicas can be called"
    CAPABILITY = "does not run: it lacks a capability that the request needs"
    EXPLORATION = "runs so that more is known of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that may run, with its estimates."""

    model_id: str
    score: float
    """Posterior score if the model ran, else its prior score; in [0, 1]."""
    prior_score: float
    """Score from before any model ran, in [0, 1]."""
    expected_completion_tokens: int
    expected_cost_usd: float
    worst: Amount
    """The most that one call can use: a reply of full length."""
    expected_latency_s: float
    score_source: str = ""
    """The source of the prior score in words; empty if the scorer knows the model by its id."""
    available: bool = True
    """True if the model has a replica that can be called."""
    expected_prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    """Tokens of the prompt that its backend likely has in its cache."""
    later_cost_usd: float = 0.0
    """The expected cost of the same call once the whole prompt has been seen by its backend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate with its utility, term by term."""

    candidate: Candidate
    quality: float
    """The score times its weight."""
    cost_penalty: float
    """The part that is subtracted for the expected cost."""
    latency_penalty: float
    """The part that is subtracted for the expected latency."""
    utility: float
    """The value that the ranking sorts by."""
    leads_by_price: bool = False
    """True if it precedes a model of higher utility because it is cheaper."""

    @property
    def model_id(self) -> str:
        """The id of the candidate's model."""
        return self.candidate.model_id


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Models that may run, as columns of the shape (N,); `Candidate` says what each field means."""

    model_ids: Sequence[str]
    id_place: Integers
    """The place of each id in alphabetical order."""
    score: Floats
    prior_score: Floats
    expected_completion_tokens: Integers
    expected_cost_usd: Floats
    worst_tokens: Integers
    worst_cost_usd: Floats
    expected_latency_s: Floats
    available: Booleans
    expected_prompt_tokens: Integers
    cached_prompt_tokens: Integers
    later_cost_usd: Floats
    score_sources: Mapping[str, str]
    """By model id; that of other models is empty."""

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> Self:
        """Returns the columns of candidates."""

        def floats(value_of: Callable[[Candidate], float]) -> Floats:
            return np.array([value_of(c) for c in candidates], dtype=np.float64)

        def integers(value_of: Callable[[Candidate], int]) -> Integers:
            return np.array([value_of(c) for c in candidates], dtype=np.int64)

        return cls(
            model_ids=[c.model_id for c in candidates],
            id_place=alphabetical_places([c.model_id for c in candidates]),
            score=floats(lambda c: c.score),
            prior_score=floats(lambda c: c.prior_score),
            expected_completion_tokens=integers(lambda c: c.expected_completion_tokens),
            expected_cost_usd=floats(lambda c: c.expected_cost_usd),
            worst_tokens=integers(lambda c: c.worst.tokens),
            worst_cost_usd=floats(lambda c: c.worst.usd),
            expected_latency_s=floats(lambda c: c.expected_latency_s),
            available=np.array([c.available for c in candidates], dtype=np.bool_),
            expected_prompt_tokens=integers(lambda c: c.expected_prompt_tokens),
            cached_prompt_tokens=integers(lambda c: c.cached_prompt_tokens),
            later_cost_usd=floats(lambda c: c.later_cost_usd),
            score_sources={c.model_id: c.score_source for c in candidates},
        )

    def __len__(self) -> int:
        """Returns the number of candidates."""
        return len(self.model_ids)

    def __getitem__(self, index: int) -> Candidate:
        """Returns one candidate."""
        model_id = self.model_ids[index]
        return Candidate(
            model_id=model_id,
            score=float(self.score[index]),
            prior_score=float(self.prior_score[index]),
            expected_completion_tokens=int(self.expected_completion_tokens[index]),
            expected_cost_usd=float(self.expected_cost_usd[index]),
            worst=self.worst(index),
            expected_latency_s=float(self.expected_latency_s[index]),
            score_source=self.score_sources.get(model_id, ""),
            available=bool(self.available[index]),
            expected_prompt_tokens=int(self.expected_prompt_tokens[index]),
            cached_prompt_tokens=int(self.cached_prompt_tokens[index]),
            later_cost_usd=float(self.later_cost_usd[index]),
        )

    def worst(self, index: int) -> Amount:
        """Returns the most that one call to a candidate can use."""
        return Amount.of_call(int(self.worst_tokens[index]), float(self.worst_cost_usd[index]))

    def ready(self, latency_limit_s: float) -> Booleans:
        """Returns which candidates have a replica and are expected to answer in time."""
        ready: Booleans = self.available & (self.expected_latency_s <= latency_limit_s)
        return ready

    def fits(self, left: Caps) -> Booleans:
        """Returns which candidates have room for one call in what may still be used."""
        fitting = np.full(len(self), left.calls is None or left.calls >= 1)
        if left.tokens is not None:
            fitting &= self.worst_tokens <= left.tokens
        if left.nano_usd is not None:
            fitting &= self.worst_cost_usd <= most_usd(left.nano_usd)
        return fitting

    def ordered(self, order: Integers) -> Candidates:
        """Returns the candidates in another order; `order` has their indices."""
        return Candidates(
            model_ids=[self.model_ids[index] for index in order.tolist()],
            id_place=self.id_place[order],
            score=self.score[order],
            prior_score=self.prior_score[order],
            expected_completion_tokens=self.expected_completion_tokens[order],
            expected_cost_usd=self.expected_cost_usd[order],
            worst_tokens=self.worst_tokens[order],
            worst_cost_usd=self.worst_cost_usd[order],
            expected_latency_s=self.expected_latency_s[order],
            available=self.available[order],
            expected_prompt_tokens=self.expected_prompt_tokens[order],
            cached_prompt_tokens=self.cached_prompt_tokens[order],
            later_cost_usd=self.later_cost_usd[order],
            score_sources=self.score_sources,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking(Sequence[Ranked]):
    """Candidates with their utilities, best first; only those that are read become objects.

    Columns have the shape (N,); `Ranked` says what each field means.
    """

    candidates: Candidates
    quality: Floats
    cost_penalty: Floats
    latency_penalty: Floats
    utility: Floats
    leads_by_price: Booleans
    _read: dict[int, Ranked] = field(default_factory=dict, init=False)

    @property
    def model_ids(self) -> Sequence[str]:
        """The ids of the models, best first."""
        return self.candidates.model_ids

    def __len__(self) -> int:
        """Returns the number of models."""
        return len(self.candidates)

    @overload
    def __getitem__(self, index: int) -> Ranked: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Ranked]: ...
    def __getitem__(self, index: int | slice) -> Ranked | Sequence[Ranked]:
        """Returns one model, the same object each time, or some."""
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self._ranked(place) for place in places]
        return self._ranked(places)

    def _ranked(self, place: int) -> Ranked:
        if place not in self._read:
            self._read[place] = Ranked(
                candidate=self.candidates[place],
                quality=float(self.quality[place]),
                cost_penalty=float(self.cost_penalty[place]),
                latency_penalty=float(self.latency_penalty[place]),
                utility=float(self.utility[place]),
                leads_by_price=bool(self.leads_by_price[place]),
            )
        return self._read[place]
