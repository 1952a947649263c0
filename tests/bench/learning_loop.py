"""The closed loop of the learning benchmark: choose, get feedback on the choice alone, learn, choose.

Nothing is known of the models at first. Kinds of query are those of the default artifact, which are
found in texts; its scores are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records
from scorer.evaluation.dataset import metric_targets
from scorer.learning.fit import fit
from scorer.learning.labels import Labels
from scorer.learning.prior_scores import kind_starts
from scorer.runtime.artifact import load_artifact
from scorer.runtime.batches import length_buckets
from scorer.runtime.runtime import Runtime
from scorer.training.neighbours import Neighbours
from services.router.exploration.chances import chances
from services.router.exploration.explorer import ERROR_BAR, ERROR_BAR_CALLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.evaluation.pools import PoolConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]

ARTIFACT = Path("scorer/artifacts/default")
QUERIES = 3_000
EXPLORED = 0.05
WRONG = 0.2
FIRST, EARLY, LATE = 600, 25, 150
"""Learning runs after every 25 of the first 600 queries, then after every 150."""
NEIGHBOURS = 80


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Queries of a pool with all labels."""

    name: str
    shares: Floats
    """Share of each query in each kind, (N, K)."""
    targets: Floats
    """Labels, (N, M)."""

    def shuffled(self, seed: int) -> tuple[Pool, Pool]:
        """Returns the traffic and the fresh queries: a pool of few queries keeps a quarter fresh."""
        order = np.random.default_rng(seed).permutation(len(self.targets))
        count = min(QUERIES, 3 * len(order) // 4)
        traffic = np.resize(order[:count], QUERIES)
        return self.take(traffic), self.take(order[count:])

    def take(self, rows: Ints) -> Pool:
        """Returns some queries."""
        return Pool(name=self.name, shares=self.shares[rows], targets=self.targets[rows])


def read_pool(config: PoolConfig, data: Path, artifact: Path) -> Pool:
    """Reads the training file and the first test file of a pool; queries with all labels are kept."""
    test = next(iter(config.tests.values()))
    files = [read_records(data / name) for name in (config.train, test)]
    records = [record for file in files for record in file]
    model_ids = model_ids_of(files[0])
    targets = metric_targets(records, model_ids, config.right_if_positive).astype(np.float64)
    kept = np.flatnonzero(~np.isnan(targets).any(axis=1))
    shares = kind_shares([records[row].query for row in kept], artifact)
    return Pool(name=config.name, shares=shares, targets=targets[kept])


def kind_shares(texts: Sequence[str], artifact: Path = ARTIFACT) -> Floats:
    """Returns the share of each query in each kind of an artifact, (N, K)."""
    runtime = Runtime.open(load_artifact(artifact))
    queries = [runtime.tokenize(text) for text in texts]
    weights = np.empty((len(queries), runtime.class_count))
    for rows in length_buckets(queries, 16):
        weights[rows] = runtime.predict([queries[row] for row in rows]).class_weights
    return np.add.reduceat(weights, kind_starts(runtime.artifact.manifest), axis=1)


def labels_of(
    rows: Ints, models: Ints, values: Floats, *, raters: Ints | None = None, count: int = 1
) -> Labels:
    """Returns labels of one weight; by default of one rater."""
    return Labels(
        rows=rows,
        models=models,
        raters=np.zeros(len(rows), dtype=np.intp) if raters is None else raters,
        values=values,
        weights=np.ones(len(rows)),
        rater_count=count,
    )


def noisy(values: Floats, draw: np.random.Generator) -> Floats:
    """Returns feedback of which a share is wrong."""
    return np.where(draw.random(len(values)) < WRONG, 1 - values, values)


def from_nothing(shares: Floats, labels: Labels, models: int) -> Floats:
    """Returns the shifts, (M, K), that are learned where nothing was known."""
    flat = np.zeros((len(shares), models))
    return fit(flat, shares, labels, known=0).correction.shifts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """One closed loop."""

    seed: int
    learned: float
    """Mean score of the first choices for fresh queries, after all traffic."""
    full: float
    """The same of the learner that was told every model's true label for the same traffic."""
    single: float
    """The best single model of the traffic."""
    neighbours: float
    """Nearest neighbours with every true label of the traffic."""
    chance: float
    regret: Floats
    """Score of the full learner's choice less that of the model that answered, by query, (N,)."""
    rivals: dict[str, Floats]
    """The same for the best single model, for neighbours and for random choices."""


def run(pool: Pool, seed: int) -> Outcome:
    """Runs a closed loop."""
    traffic, fresh = pool.shuffled(seed)
    draw = np.random.default_rng([seed, 1])
    targets, models = traffic.targets, pool.targets.shape[1]
    everything = labels_of(*np.divmod(np.arange(targets.size), models), targets.ravel())
    full = from_nothing(traffic.shares, everything, models)
    best = int(targets.mean(axis=0).argmax())
    memory = Neighbours(
        features=_unit(traffic.shares), targets=targets.astype(np.float32), k=NEIGHBOURS
    )
    choices, shifts = _loop(traffic, draw)
    near = memory.scores(_unit(fresh.shares)).argmax(axis=1)
    by_full = _chosen(targets, traffic.shares @ full.T)
    rows = np.arange(QUERIES)
    return Outcome(
        seed=seed,
        learned=_chosen(fresh.targets, fresh.shares @ shifts.T).mean(),
        full=_chosen(fresh.targets, fresh.shares @ full.T).mean(),
        single=fresh.targets[:, best].mean(),
        neighbours=fresh.targets[np.arange(len(near)), near].mean(),
        chance=fresh.targets.mean(),
        regret=by_full - targets[rows, choices],
        rivals={
            "best single": by_full - targets[:, best],
            "random": by_full - targets.mean(axis=1),
            "kNN": by_full - targets[rows, _near_before(traffic)],
        },
    )


def _loop(traffic: Pool, draw: np.random.Generator) -> tuple[Ints, Floats]:
    """Returns the choices, (N,), and the last shifts, (M, K)."""
    models = traffic.targets.shape[1]
    shifts = np.zeros((models, traffic.shares.shape[1]))
    counts = np.zeros(models)
    choices, values = np.zeros(QUERIES, dtype=np.intp), np.zeros(QUERIES)
    ends = [*range(EARLY, FIRST, EARLY), *range(FIRST, QUERIES, LATE), QUERIES]
    ties = 1e-6 * draw.normal(size=models)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        rows = np.arange(start, end)
        scores = 1 / (1 + np.exp(-traffic.shares[rows] @ shifts.T)) + ties
        choices[rows] = scores.argmax(axis=1)
        for row in rows[draw.random(len(rows)) < EXPLORED].tolist():
            choices[row] = _tried(scores[row - start], counts, choices[row], draw)
        counts += np.bincount(choices[rows], minlength=models)
        values[rows] = noisy(traffic.targets[rows, choices[rows]], draw)
        seen = np.arange(end)
        shifts = from_nothing(
            traffic.shares[:end], labels_of(seen, choices[:end], values[:end]), models
        )
    return choices, shifts


def _tried(scores: Floats, counts: Floats, best: int, draw: np.random.Generator) -> int:
    """Returns a model to try instead of the best one, as the router draws it."""
    others = [str(m) for m in range(len(scores)) if m != best]
    found = chances(
        {m: float(scores[int(m)]) for m in others},
        {m: float(ERROR_BAR / np.sqrt(1 + counts[int(m)] / ERROR_BAR_CALLS)) for m in others},
    )
    return int(draw.choice(others, p=list(found.values())))


def _near_before(traffic: Pool) -> Ints:
    """Returns the choices of neighbours that know all labels of the traffic so far, (N,)."""
    found = np.zeros(QUERIES, dtype=np.intp)
    for start in range(LATE, QUERIES, LATE):
        rows = np.arange(start, min(start + LATE, QUERIES))
        memory = Neighbours(
            features=_unit(traffic.shares[:start]),
            targets=traffic.targets[:start].astype(np.float32),
            k=NEIGHBOURS,
        )
        found[rows] = memory.scores(_unit(traffic.shares[rows])).argmax(axis=1)
    return found


def _chosen(targets: Floats, scores: Floats) -> Floats:
    """Returns the label of each query's first choice, (N,)."""
    return np.asarray(targets[np.arange(len(targets)), scores.argmax(axis=1)])


def _unit(shares: Floats) -> npt.NDArray[np.float32]:
    return np.asarray(shares / np.linalg.norm(shares, axis=1, keepdims=True), dtype=np.float32)
