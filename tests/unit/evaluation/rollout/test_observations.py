"""Decisions and feedback become observations of the two artifacts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from services.evaluation.rollout.observations import observations_of
from services.router.decision_records.feedback_record import FeedbackRecord, FeedbackSource
from services.router.decision_records.record import AnswerOutcome, RolloutEntry
from tests.unit.evaluation.decisions.samples import note, record

if TYPE_CHECKING:
    from services.evaluation.rollout.observation import Observation
    from services.router.decision_records.record import DecisionRecord

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
AGREES = {"a": 0.8, "b": 0.3}
DIFFERS = {"a": 0.3, "b": 0.8}


def decision(
    number: int, other: dict[str, float], *, from_candidate: bool = False, **fields: Any
) -> DecisionRecord:
    """Returns the decision of an artifact that prefers model a, beside another artifact."""
    entry = RolloutEntry(
        rollout_id=fields.pop("rollout_id", "r"),
        from_candidate=from_candidate,
        candidate_probability=0.5,
        other_scorer_version="other",
        other_prior_scores=other,
    )
    ranking = [note("a", 0.9), note("b", 0.5)]
    values: dict[str, Any] = {"strategy": "single", "id": str(number), "rollout": entry} | fields
    made = record(ranking, ["a"], **values)
    policy = {**made.policy, "strategy": values["strategy"]}
    return made.model_copy(update={"policy": policy, "time": NOW + dt.timedelta(seconds=number)})


def feedback(
    number: int,
    score: float | None,
    *,
    second: int = 0,
    source: FeedbackSource = FeedbackSource.USER,
) -> FeedbackRecord:
    return FeedbackRecord(
        feedback_id=f"{number} {second}",
        decision_id=str(number),
        time=NOW + dt.timedelta(hours=1, seconds=second),
        source=source,
        score=score,
    )


def one(*found: Observation) -> Observation:
    (observation,) = found
    return observation


def test_equal_choices_of_a_single_model_are_no_difference() -> None:
    assert not one(*observations_of("r", [decision(1, AGREES)], [])).differs
    assert one(*observations_of("r", [decision(1, DIFFERS)], [])).differs


def test_equal_first_layers_of_other_strategies_may_end_otherwise() -> None:
    close = {"a": 0.8, "b": 0.78}
    found = observations_of("r", [decision(1, close, strategy="routemoa")], [])
    assert one(*found).differs
    found = observations_of("r", [decision(1, AGREES, strategy="cascade")], [])
    assert one(*found).differs


def test_a_first_model_after_which_nothing_follows_is_no_difference() -> None:
    found = observations_of("r", [decision(1, AGREES, strategy="routemoa")], [])
    assert not one(*found).differs


@pytest.mark.parametrize("from_candidate", [False, True])
def test_each_choice_has_the_mean_of_both_artifacts_scores(from_candidate: bool) -> None:
    made = decision(1, DIFFERS, from_candidate=from_candidate)
    observation = one(*observations_of("r", [made], []))
    scores = (observation.active_score, observation.candidate_score)
    ours, theirs = (0.9 + 0.3) / 2, (0.5 + 0.8) / 2
    assert scores == pytest.approx((theirs, ours) if from_candidate else (ours, theirs))
    assert observation.from_candidate is from_candidate


def test_decisions_of_other_rollouts_and_of_none_are_left_out() -> None:
    other, none = decision(1, AGREES, rollout_id="x"), decision(2, AGREES)
    records = [other, none.model_copy(update={"rollout": None}), decision(3, AGREES)]
    assert len(observations_of("r", records, [])) == 1


def test_an_answer_that_the_caller_left_is_left_out_and_a_failed_one_is_bad() -> None:
    left = decision(1, AGREES, outcome=AnswerOutcome.CANCELLED)
    failed = decision(2, AGREES, outcome=AnswerOutcome.FAILED)
    assert one(*observations_of("r", [left, failed], [])).feedback == 0.0


def test_the_newest_feedback_of_a_source_counts_and_sources_are_averaged() -> None:
    given = [
        feedback(1, 0.0, second=1),
        feedback(1, 1.0, second=2),
        feedback(1, 0.5, second=3, source=FeedbackSource.CHECKER),
        feedback(2, 1.0),
        feedback(1, None, second=4, source=FeedbackSource.OPERATOR),
    ]
    found = one(*observations_of("r", [decision(1, AGREES)], given))
    assert found.feedback == pytest.approx(0.75)


def test_observations_with_feedback_come_last_in_its_order() -> None:
    records = [decision(number, AGREES, tenant=f"t{number}") for number in range(4)]
    given = [feedback(2, 1.0, second=1), feedback(0, 1.0, second=5)]
    found = observations_of("r", records, given)
    assert [o.tenant for o in found] == ["t1", "t3", "t2", "t0"]


def test_a_decision_that_is_read_twice_counts_once() -> None:
    assert len(observations_of("r", [decision(1, AGREES)] * 2, [])) == 1
