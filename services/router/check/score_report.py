"""Reports where each model's score comes from: the scorer, the pool file or an estimate."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.router.model_priors.estimate import estimate_priors
from services.router.model_priors.matching import ScorerModels

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.router.model_priors.matching import Match
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool

ADVICE = (
    "Guesses are rough. In the pool file, give such a model a `prior_score`, or as `scorer_model` the "
    "name by which the scorer knows it. Best, train an artifact on records of it."
)
_MAX_LISTED = 30


class ScoreSource(enum.StrEnum):
    """The source of a model's score."""

    SCORER = "scorer"
    RESPELLED = "scorer, by another name"
    POOL_FILE = "prior_score"
    GUESS = "guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreReport:
    """The source of one model's score."""

    model_id: str
    source: ScoreSource
    note: str
    """The name by which the scorer knows it, or the facts that a guess rests on; else empty."""
    usual_score: float | None = None
    """The score of a guess for a usual query."""

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields, for JSON."""
        return asdict(self)


def read_artifact_models(artifact: Path | None) -> tuple[str, ...] | None:
    """Returns the models that an artifact knows; None if there is none that can be read.

    Args:
        artifact: Its directory; None for the one that is installed with the scorer.
    """
    folder = _shipped_artifact() if artifact is None else artifact
    if folder is None:
        return None
    try:
        model_ids = json.loads((folder / "manifest.json").read_bytes())["model_ids"]
        return tuple(map(str, model_ids))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def score_reports(pool: Pool, scorer_ids: Collection[str]) -> list[ScoreReport]:
    """Returns the source of every model's score, in the order of the file."""
    scorer = ScorerModels(scorer_ids)
    matches = {model.id: scorer.find(model.scorer_names) for model in pool.models}
    guesses = estimate_priors({model.id: model.facts for model in pool.models}, [])

    def report(model: PoolModel) -> ScoreReport:
        match = matches[model.id]
        if match is not None and match.is_same:
            return _of_scorer(model, match)
        if model.prior_score is not None:
            return ScoreReport(model_id=model.id, source=ScoreSource.POOL_FILE, note="")
        guess = guesses[model.id]
        note = guess.source
        if match is not None:
            note = f"its release {' and '.join(match.scorer_ids)}"
        return ScoreReport(
            model_id=model.id,
            source=ScoreSource.GUESS,
            note=note,
            usual_score=round(guess.score, 2),
        )

    return [report(model) for model in pool.models]


def summary(reports: Sequence[ScoreReport]) -> list[str]:
    """Returns what an operator should know of the scores, in lines; none if the scorer knows all."""
    lines = [
        f"{report.model_id} is scored as {report.note}."
        for report in reports
        if report.source is ScoreSource.RESPELLED
    ]
    guessed = [report for report in reports if report.source is ScoreSource.GUESS]
    if guessed:
        lines.append(
            f"The scorer does not know {len(guessed)} of {len(reports)} models. Their scores are "
            "guessed, for a usual query:"
        )
        lines += [
            f"  {report.model_id}: {report.usual_score:.2f} from {report.note}"
            for report in guessed[:_MAX_LISTED]
        ]
        if len(guessed) > _MAX_LISTED:
            lines.append(f"  and {len(guessed) - _MAX_LISTED} more")
        lines.append(ADVICE)
    return lines


def _of_scorer(model: PoolModel, match: Match) -> ScoreReport:
    (scorer_id,) = match.scorer_ids
    if scorer_id == model.id:
        return ScoreReport(model_id=model.id, source=ScoreSource.SCORER, note="")
    quantized = ", without its quantization" if match.is_quantized else ""
    return ScoreReport(
        model_id=model.id, source=ScoreSource.RESPELLED, note=f"{scorer_id}{quantized}"
    )


def _shipped_artifact() -> Path | None:
    """Returns the directory of the shipped artifact, without importing the scorer."""
    spec = find_spec("scorer")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "artifacts" / "default"
