"""Learns from traffic: decisions and feedback -> a corrected artifact. Needs onnx, not torch.

``read -> label -> correct on all but the newest decisions -> compare on those with the serving scorer
-> correct on all -> write``

The artifact is the prior, so it must be one that was trained or examined: labels that a former run has
used would count twice in one that this wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.comparison import Logged, compare
from scorer.learning.corrected_artifact import write_corrected
from scorer.learning.fit import fit
from scorer.learning.labelling import feedback_score, label
from scorer.learning.prior_scores import prior_scores
from scorer.learning.report import report_of
from scorer.learning.traffic.traffic import TrafficError
from scorer.measures.benefit import Verdict
from scorer.progress import step
from scorer.runtime.artifact import DataSource, load_artifact
from scorer.runtime.fields import ProblemsError
from scorer.runtime.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.learning.fit import Fitted
    from scorer.learning.labels import Labels
    from scorer.learning.prior_scores import PriorScores
    from scorer.learning.report import Report
    from scorer.learning.traffic.decided import Decided
    from scorer.learning.traffic.traffic import Traffic
    from scorer.measures.traffic_gain import TrafficGain

    Floats = npt.NDArray[np.float64]

SOURCE_NAME = "traffic"
"""Name of the traffic among a manifest's sources; an artifact that has it was learned."""

LEAST_FEEDBACK = 20
"""Fewest decisions with feedback that anything is learned from."""

LEAST_LABELS = 20
"""Fewest labels of a model that the artifact does not know for it to be added."""

HELD_OUT_SHARE = 0.2
"""Share of the decisions with feedback, the newest, that the comparison is made on."""


class WorseOnTrafficError(ProblemsError):
    """Raised when the corrected scorer is worse than the serving one on the newest traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The artifacts of a run."""

    artifact: Path
    """The prior: an artifact that was trained or examined."""
    serving: Path
    """The artifact that the result is compared with."""
    licence: str


def learn(traffic: Traffic, sources: Sources, *, output: Path) -> Report:
    """Learns from traffic and writes the corrected artifact.

    Raises:
        ArtifactError: An artifact cannot be used.
        TrafficError: There is too little feedback, or the artifact was itself learned from traffic.
        WorseOnTrafficError: The result is worse than the serving artifact; nothing is written.
    """
    artifact = load_artifact(sources.artifact)
    if any(source.name == SOURCE_NAME for source in artifact.manifest.data_sources):
        raise TrafficError(
            sources.artifact,
            ["was itself learned from traffic: name the artifact that it was learned from"],
        )
    if len(traffic.decisions) < LEAST_FEEDBACK:
        found = f"{len(traffic.decisions)} decisions with text, answer and feedback were found"
        raise TrafficError(sources.artifact, [f"{found}; at least {LEAST_FEEDBACK} are needed"])
    runtime = Runtime.open(artifact)
    unknown = _unknown(traffic.decisions, runtime.model_ids)
    prior = prior_scores(runtime, [each.query for each in traffic.decisions], unknown)
    labels = label(traffic, prior.model_ids, now=traffic.decisions[-1].time)
    known = len(runtime.model_ids)
    with step("Comparing with the serving scorer"):
        comparison = _compare(traffic, prior, labels, known=known, sources=sources)
    if comparison.verdict is Verdict.WORSE:
        raise WorseOnTrafficError(sources.artifact, [comparison.sentence(), "nothing was written"])
    with step("Learning"):
        fitted = fit(prior.logits, prior.shares, labels, known=known)
    counts = fitted.label_counts
    added = [column for column in range(known, len(counts)) if counts[column] >= LEAST_LABELS]
    added_ids = [prior.model_ids[column] for column in added]
    made = write_corrected(
        artifact,
        _shifts(fitted, known, added),
        added=added_ids,
        data_source=DataSource(
            name=SOURCE_NAME,
            licence=sources.licence,
            url=f"until {traffic.decisions[-1].time.isoformat()}",
            train_rows=len(traffic.decisions),
            validation_rows=comparison.decision_count,
        ),
        metrics=comparison.figures,
        output=output,
    )
    return report_of(
        made.manifest.version,
        traffic,
        prior,
        fitted,
        comparison=comparison,
        added=added,
        known=known,
    )


def _unknown(decisions: Sequence[Decided], model_ids: Sequence[str]) -> list[str]:
    """Returns the models of the traffic that the artifact does not know."""
    used = {model_id for decided in decisions for model_id in decided.answered}
    return sorted(used - set(model_ids))


def _compare(
    traffic: Traffic,
    prior: PriorScores,
    labels: Labels,
    *,
    known: int,
    sources: Sources,
) -> TrafficGain:
    count = int(len(traffic.decisions) * HELD_OUT_SHARE)
    decisions = traffic.decisions[-count:]
    first = len(traffic.decisions) - count
    older = labels.take(labels.rows < first)
    fitted = fit(prior.logits, prior.shares, older, known=known)
    logits, shares = prior.logits[first:], prior.shares[first:]
    candidate = fitted.correction.scores(logits, shares)
    # Only models of the newest pool can be chosen.
    pool = [prior.model_ids.index(each) for each in _pool(decisions) if each in prior.model_ids]
    columns = {column: index for index, column in enumerate(pool)}
    finals = [prior.model_ids.index(each.final_model_id) for each in decisions]
    scores = [feedback_score(each, traffic.feedback[each.id]) for each in decisions]
    kept = [row for row, final in enumerate(finals) if final in columns]
    return compare(
        _serving_scores(sources, decisions, prior, logits)[kept][:, pool],
        candidate[kept][:, pool],
        Logged(
            choices=np.array([columns[finals[row]] for row in kept]),
            values=np.array([scores[row] for row in kept]),
            propensities=np.array([_propensity(decisions[row]) for row in kept]),
        ),
    )


def _pool(decisions: Sequence[Decided]) -> list[str]:
    """Returns the models that the newest decision could choose from, and its own."""
    newest = decisions[-1]
    return sorted({*newest.priors, newest.final_model_id})


def _propensity(decided: Decided) -> float:
    return decided.propensities.get(decided.final_model_id, 1.0)


def _serving_scores(
    sources: Sources, decisions: Sequence[Decided], prior: PriorScores, logits: Floats
) -> Floats:
    """Returns the serving artifact's logits, (B, M), with the columns of the prior."""
    if sources.serving == sources.artifact:
        return logits
    runtime = Runtime.open(load_artifact(sources.serving))
    unknown = [each for each in prior.model_ids if each not in runtime.model_ids]
    found = prior_scores(runtime, [each.query for each in decisions], unknown)
    order = [found.model_ids.index(each) for each in prior.model_ids]
    return found.logits[:, order]


def _shifts(fitted: Fitted, known: int, added: Sequence[int]) -> Floats:
    """Returns the shifts of the known models and the added ones; none of a model without a label."""
    shifts = np.where(fitted.label_counts[:, None] > 0, fitted.correction.shifts, 0.0)
    return shifts[[*range(known), *added]]
