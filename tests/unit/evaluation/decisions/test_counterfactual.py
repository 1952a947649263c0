from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.decisions.counterfactual import (
    Choice,
    Comparison,
    ScorerView,
    compare,
    outcomes_of,
)
from services.evaluation.decisions.decision_summary import summarize_decisions
from services.evaluation.decisions.policy_overrides import (
    BadOverrideError,
    policy_of,
    read_overrides,
)
from services.router.decision_records.record import AssessmentEntry, FallbackEntry
from tests.unit.evaluation.decisions.samples import POLICY, attempt, note, record

if TYPE_CHECKING:
    from services.router.decision_records.record import DecisionRecord, RankedEntry

UNIT = st.floats(0, 1, allow_nan=False)
RANKINGS = st.lists(
    st.builds(
        note,
        st.sampled_from("abcdef"),
        UNIT,
        cost_usd=st.floats(0, 10),
        latency_s=st.floats(0, 60),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda item: item.model_id,
)


def under(given: DecisionRecord, **overrides: object) -> Comparison:
    found = compare(given, policy_of(given.policy, overrides))
    assert found is not None
    return found


def choose(ranking: list[RankedEntry], **overrides: object) -> tuple[str, ...]:
    return under(record(ranking, ["a"]), **overrides).other.model_ids


@settings(deadline=None)
@given(RANKINGS)
def test_the_same_policy_chooses_the_same(ranking: list[RankedEntry]) -> None:
    chosen = choose(ranking)
    again = under(record(ranking, chosen))
    assert again.recorded == again.other
    summary = summarize_decisions([again], seed=0)
    assert summary.same_first.mean == summary.same_models.mean == summary.overlap.mean == 1
    assert all(c.difference is None or c.difference.mean == 0 for c in summary.changes)


def test_a_conversation_that_stayed_with_its_model_stays_under_another_policy() -> None:
    kept = note("kept", 0.5).model_copy(update={"reason": "SESSION"})
    compared = under(record([note("best", 0.9), kept], ["kept"]), strategy="single")
    assert compared.other == compared.recorded
    assert choose([note("best", 0.9), note("kept", 0.5)], strategy="single") == ("best",)


@settings(deadline=None)
@given(RANKINGS)
def test_a_choice_is_of_the_ranking_and_within_the_limits(ranking: list[RankedEntry]) -> None:
    ids = {item.model_id for item in ranking}
    for strategy in ("routemoa", "layers", "single", "cascade", "moa"):
        chosen = choose(ranking, strategy=strategy, max_layer_model_count=2, max_call_count=4)
        most = {"routemoa": 2, "layers": 2, "single": 1, "cascade": 1, "moa": 4}
        assert 0 < len(chosen) <= most[strategy]
        assert set(chosen) <= ids
        assert len(set(chosen)) == len(chosen)


@settings(deadline=None)
@given(RANKINGS, st.dictionaries(st.sampled_from("abcdef"), UNIT))
def test_regret_is_known_with_the_value_and_never_negative(
    ranking: list[RankedEntry], posteriors: dict[str, float]
) -> None:
    found = under(record(ranking, ["a"], posteriors, attempts=()), strategy="moa")
    for choice in (found.recorded, found.other):
        value, regret = found.value(choice), found.regret(choice)
        assert (value is None) == (regret is None)
        assert (value is None) == (not set(choice.model_ids) <= posteriors.keys())
        if value is not None and regret is not None:
            assert regret >= 0
            assert value + regret == pytest.approx(max(posteriors.values()))


def test_a_dearer_weight_on_cost_chooses_the_cheaper() -> None:
    ranking = [note("dear", 0.9, cost_usd=1.0), note("cheap", 0.85, cost_usd=0.01)]
    assert choose(ranking, strategy="single", cost_weight=0.0) == ("dear",)
    assert choose(ranking, strategy="single", cost_weight=0.5) == ("cheap",)


def test_another_scorer_chooses_by_its_own_scores() -> None:
    given = record([note("a", 0.9), note("b", 0.2)], ["a"])
    policy = policy_of(given.policy, {"strategy": "single"})
    view = ScorerView(scores={"b": 0.95}, uncertainty=0, team_ids=(), safe_ids=())
    found = compare(given, policy, view)
    assert found is not None
    assert found.other.model_ids == ("b",)  # and a keeps its recorded score


def test_team_and_safe_models_are_chosen_as_the_router_does() -> None:
    ranking = [note("a", 0.8), note("b", 0.79), note("c", 0.78), note("d", 0.2)]
    given = record(ranking, "ac", team_model_ids=("a", "c"), safe_model_ids=("d",), uncertainty=0.5)
    layers = {"strategy": "layers", "max_layer_model_count": 2}
    assert under(given, **layers, max_uncertainty=0.6).other.model_ids == ("a", "c")
    assert under(given, **layers, max_uncertainty=0.4).other.model_ids == ("d",)
    assert under(given, max_uncertainty=0.4).other.model_ids == ("d",)


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        pytest.param({"scorer_version": None}, ("a",), id="one-model-alone-was-not-ranked"),
        pytest.param({"scorer_version": "minilm-1"}, ("d",), id="the-scorer-knew-no-model"),
        pytest.param(
            {
                "scorer_version": None,
                "fallbacks": (
                    FallbackEntry(
                        dependency="SCORER", status="UNAVAILABLE", substitute="POOL_PRIORS"
                    ),
                ),
            },
            ("d",),
            id="the-scorer-failed",
        ),
    ],
)
def test_an_unknown_uncertainty_is_read_as_the_router_did(
    changes: dict[str, Any], chosen: tuple[str, ...]
) -> None:
    ranking = [note("a", 0.8), note("d", 0.2)]
    given = record(ranking, "a", safe_model_ids=("d",), uncertainty=None, **changes)
    assert under(given, max_layer_model_count=1).other.model_ids == chosen


def test_outcomes_are_posteriors_failures_and_nothing_else() -> None:
    given = record(
        [note(name, 0.5) for name in "abcd"],
        "abc",
        {"a": 0.8},
        attempts=(
            *(attempt("a"), attempt("b", "TIMEOUT"), attempt("c", "CANCELLED")),
            *(attempt("d", "UNREACHABLE"), attempt("d")),  # the second attempt brought an answer
        ),
    )
    assert outcomes_of(given) == {"a": 0.8, "b": 0.0}


def test_a_posterior_that_is_the_prior_is_no_outcome() -> None:
    given = record([note("a", 0.5)], "a")
    bare = AssessmentEntry(model_id="a", posterior_score=0.5)
    layer = given.layers[0].model_copy(update={"assessments": (bare,)})
    assert outcomes_of(given.model_copy(update={"layers": (layer,)})) == {}


def test_a_choice_with_an_unknown_model_has_no_value() -> None:
    choice = Choice(model_ids=("a", "b"), expected_cost_usd=0, expected_latency_s=0)
    found = Comparison(recorded=choice, other=choice, outcomes={"a": 0.9})
    assert found.value(choice) is None
    assert found.regret(choice) is None


def test_a_record_without_a_layer_is_no_comparison() -> None:
    given = record([note("a", 0.5)], "a", layers=())
    assert compare(given, policy_of(given.policy, {})) is None


def test_an_older_record_takes_the_defaults_for_what_it_lacks() -> None:
    older = {name: value for name, value in POLICY.items() if name != "max_layer_count"}
    assert policy_of(older, {}).max_layer_count == POLICY["max_layer_count"]
    assert policy_of(POLICY | {"of_a_newer_router": 1}, {}) == policy_of(POLICY, {})


def test_records_and_overrides_may_have_the_names_of_older_routers() -> None:
    assert policy_of({"max_layers": 4, "max_layer_models": 5}, {}).max_layer_count == 4
    assert read_overrides(["max_layers=4"], None) == {"max_layer_count": 4}


def test_every_bad_override_is_named() -> None:
    with pytest.raises(BadOverrideError) as caught:
        read_overrides(["cost_weight=2", "colour=red", "max_layer_count=many"], "debate")
    problems = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for name in ("cost_weight", "colour", "max_layer_count", "debate"):
        assert name in problems


def test_a_strategy_sets_its_own_defaults_unless_overridden() -> None:
    assert policy_of(POLICY, {"strategy": "moa"}).max_layer_model_count == 16
    assert (
        policy_of(POLICY, {"strategy": "moa", "max_layer_model_count": 2}).max_layer_model_count
        == 2
    )
    assert policy_of(POLICY | {"strategy": "smoa"}, {}).strategy == "routemoa"


def test_limits_on_money_and_tokens_hold_for_each_strategy() -> None:
    ranking = [note("dear", 0.9, cost_usd=1.0), note("cheap", 0.85, cost_usd=0.01)]
    for strategy in ("routemoa", "layers", "single", "cascade", "moa"):
        assert choose(ranking, strategy=strategy, max_cost_usd=0.5) == ("cheap",)
        assert len(choose(ranking, strategy=strategy, max_token_count=1_500)) == 1


def test_overrides_have_the_types_of_the_settings() -> None:
    values = read_overrides(
        ["cost_weight=0.25", "policy_max_layer_model_count=2", "max_cost_usd=none"], "single"
    )
    assert values == {
        "cost_weight": 0.25,
        "max_layer_model_count": 2,
        "max_cost_usd": None,
        "strategy": "single",
    }
