"""What learning must withstand: a hostile tenant, and a model that changes behind its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.change_point import find_changes
from scorer.learning.fit import fit
from tests.bench.learning_loop import QUERIES, Pool, from_nothing, labels_of, noisy

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

TENANTS = 10
BEFORE, AFTER = 1_000, 300
"""Labels of a model before its answers are swapped, and after that."""
STEADY = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """What one tenant of ten moves, in points of the other tenants' choices."""

    share: float
    """The hostile tenant's share of all feedback."""
    moved: float
    """Score of the choices without it, less that with it."""


def hostile(pool: Pool, seed: int, share: float) -> Hostile:
    """Lets one tenant vote for the worst model, and against all others.

    Every model is chosen equally often, so that the tenant has many votes for its model.
    """
    traffic, fresh = pool.shuffled(seed)
    draw = np.random.default_rng([seed, 2])
    models = pool.targets.shape[1]
    rows, choices = np.arange(QUERIES), draw.integers(models, size=QUERIES)
    others = draw.integers(1, TENANTS, size=QUERIES)
    raters = np.where(draw.random(QUERIES) < share, 0, others)
    values = noisy(traffic.targets[rows, choices], draw)
    worst = int(traffic.targets.mean(axis=0).argmin())
    votes = np.where(raters == 0, (choices == worst).astype(float), values)
    without = raters != 0

    def score(kept: npt.NDArray[np.bool_], said: Floats) -> float:
        labels = labels_of(
            rows[kept], choices[kept], said[kept], raters=raters[kept], count=TENANTS
        )
        shifts = from_nothing(traffic.shares, labels, models)
        chosen = (fresh.shares @ shifts.T).argmax(axis=1)
        return float(fresh.targets[np.arange(len(chosen)), chosen].mean())

    moved = score(without, values) - score(np.ones(QUERIES, dtype=bool), votes)
    return Hostile(share=share, moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worse:
    """A model whose answers are swapped for a weaker one's."""

    drop: float
    """How much worse the answers are."""
    found_after: int | None
    """Its answers until the alarm; None if there was none within ``AFTER``."""
    chosen_before: float
    chosen_after: float
    """Share of fresh queries for which it is chosen, by what is known before and after."""


def worse(pool: Pool, seed: int, rank: int) -> Worse:
    """Swaps the best model's answers for those of the model of another rank."""
    draw = np.random.default_rng([seed, 3])
    order = np.argsort(-pool.targets.mean(axis=0))
    best, weaker = int(order[0]), int(order[rank])
    models = pool.targets.shape[1]
    count = BEFORE + AFTER
    own = draw.integers(len(pool.targets), size=count)
    truth = pool.targets[own, best].copy()
    truth[BEFORE:] = pool.targets[own[BEFORE:], weaker]
    rest = np.array([m for m in range(models) if m != best])
    other = draw.integers(len(pool.targets), size=count)
    chosen = rest[draw.integers(len(rest), size=count)]
    # Its own labels and the others' in turns.
    rows = np.column_stack([own, other]).ravel()
    columns = np.column_stack([np.full(count, best), chosen]).ravel()
    values = noisy(np.column_stack([truth, pool.targets[other, chosen]]).ravel(), draw)

    def chosen_share(end: int) -> tuple[float, int | None]:
        labels = labels_of(np.arange(end), columns[:end], values[:end])
        shares = pool.shares[rows[:end]]
        found = fit(np.zeros((end, models)), shares, labels, known=0)
        first = (pool.shares @ found.correction.shifts.T).argmax(axis=1)
        change = found.changes.get(best)
        at = None if change is None else change.change.seen + 1 - BEFORE
        return float((first == best).mean()), at

    before, _ = chosen_share(2 * BEFORE)
    after, at = chosen_share(2 * count)
    means = pool.targets.mean(axis=0)
    return Worse(
        drop=float(means[best] - means[weaker]),
        found_after=at if at is not None and at > 0 else None,
        chosen_before=before,
        chosen_after=after,
    )


def false_alarms(pool: Pool, seed: int, model: int) -> int:
    """Returns the alarms on feedback on a model that never changes."""
    draw = np.random.default_rng([seed, 4, model])
    truth = pool.targets[draw.integers(len(pool.targets), size=STEADY), model]
    values = noisy(truth, draw)
    return len(find_changes(values - values.mean()))
