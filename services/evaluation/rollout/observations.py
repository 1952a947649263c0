"""Makes observations of decisions and feedback. Pure but for `read_observations`."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from services.evaluation.decisions.counterfactual import (
    ScorerView,
    compare,
    ends_with_first_layer,
    recorded_view,
)
from services.evaluation.decisions.decision_source import (
    DecisionsError,
    NoDecisionsError,
    read_feedback,
    read_feedback_postgres,
    read_files,
    read_postgres,
)
from services.evaluation.decisions.policy_overrides import policy_of
from services.evaluation.rollout.observation import Observation
from services.router.decision_records.feedback_record import newest_feedback
from services.router.decision_records.record import AnswerOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from scorer.rollout.rollout import Rollout
    from services.router.decision_records.feedback_record import FeedbackRecord
    from services.router.decision_records.record import DecisionRecord, RolloutEntry


def read_observations(
    rollout: Rollout, paths: Sequence[Path], dsn_file: Path | None
) -> list[Observation]:
    """Returns the observations of a rollout.

    Args:
        rollout: The rollout.
        paths: Files of records and of feedback, or directories; unused if there is a database.
        dsn_file: File with the database's connection string.

    Raises:
        DecisionsError: Records or feedback cannot be read.
        OSError: A directory or the file of the connection string cannot be read.
    """
    since = dt.datetime.fromisoformat(rollout.started)
    try:
        if dsn_file is not None:
            dsn = dsn_file.read_text(encoding="utf-8").strip()
            return observations_of(
                rollout.id, read_postgres(dsn, since), read_feedback_postgres(dsn, since)
            )
        files = [file for path in paths for file in _files(path, since, "decisions-")]
        feedback = [file for path in paths for file in _files(path, since, "feedback-")]
        return observations_of(rollout.id, read_files(files), read_feedback(feedback))
    except NoDecisionsError:
        return []


def observations_of(
    rollout_id: str, records: Iterable[DecisionRecord], feedback: Iterable[FeedbackRecord]
) -> list[Observation]:
    """Returns the observations of a rollout: those without feedback first, the others in its order.

    The score of an answer is the mean of its sources' newest feedback, and 0 if the call failed.

    Args:
        rollout_id: The rollout's id.
        records: Decision records, also of other times.
        feedback: Feedback, also on other decisions.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    times: dict[str, dt.datetime] = {}
    for item in newest_feedback(feedback):
        if item.score is not None:
            scores[item.decision_id].append(item.score)
            times.setdefault(item.decision_id, item.time)
    found: dict[str, tuple[dt.datetime, Observation]] = {}
    for record in records:
        if record.rollout is None or record.rollout.rollout_id != rollout_id:
            continue
        observation = _observation(record, record.rollout)
        if observation is None:
            continue
        time = times.get(record.id, record.time)
        if record.id in scores:
            observation = replace(observation, feedback=fmean(scores[record.id]))
        elif record.outcome is AnswerOutcome.FAILED:
            observation = replace(observation, feedback=0.0)
        found[record.id] = (time, observation)
    ordered = sorted(found.items(), key=lambda item: (item[1][0], item[0]))
    observations = [observation for _, (_, observation) in ordered]
    rated = [o for o in observations if o.feedback is not None]
    return [o for o in observations if o.feedback is None] + rated


def _observation(record: DecisionRecord, rollout: RolloutEntry) -> Observation | None:
    """Returns the observation of a record; None if the caller left or nothing was chosen."""
    policy = policy_of(record.policy, {})
    ours = recorded_view(record)
    other = ScorerView(
        scores=rollout.other_prior_scores,
        uncertainty=rollout.other_uncertainty or 0.0,
        team_ids=rollout.other_team_model_ids,
        safe_ids=record.safe_model_ids,
    )
    active, candidate = (other, ours) if rollout.from_candidate else (ours, other)
    # Both choices are made by the same rules from what is recorded, whichever arm answered.
    choices = [compare(record, policy, view) for view in (active, candidate)]
    if record.outcome is AnswerOutcome.CANCELLED or None in choices:
        return None
    active_ids, candidate_ids = (c.other.model_ids if c else () for c in choices)
    if not active_ids or not candidate_ids:
        return None
    # Where more can follow, the scores decide that too, so equal first layers may end otherwise.
    ends = all(
        ends_with_first_layer(record, policy, view, ids)
        for view, ids in ((active, active_ids), (candidate, candidate_ids))
    )
    return Observation(
        tenant=record.tenant,
        from_candidate=rollout.from_candidate,
        probability=rollout.candidate_probability,
        differs=active_ids != candidate_ids or not ends,
        active_score=_score((active, candidate), active_ids[0]),
        candidate_score=_score((active, candidate), candidate_ids[0]),
        cost_usd=record.totals.cost_usd,
        latency_s=record.timing.total_s,
    )


def _score(views: Sequence[ScorerView], model_id: str) -> float:
    return fmean(view.scores.get(model_id, 0.0) for view in views)


def _files(path: Path, since: dt.datetime, prefix: str) -> list[Path]:
    """Returns the finished files of a directory that may hold something newer, or the file itself."""
    if not path.exists():
        raise DecisionsError([f"{path}: there is no such file or directory"])
    if not path.is_dir():
        return [path] if path.name.startswith(prefix) else []
    found = sorted(path.glob(f"{prefix}*.jsonl.gz"))
    return [file for file in found if file.stat().st_mtime >= since.timestamp()]
