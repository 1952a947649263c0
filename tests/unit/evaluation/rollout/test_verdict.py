"""The next stage of a rollout by its observations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from services.evaluation.rollout.observation import Observation
from services.evaluation.rollout.verdict import judge_rollout
from tests.unit.scorer.rollout.samples import ROLLOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SETTINGS = RolloutSettings(min_shadow_queries=50, min_feedback=200, max_feedback=2000)
SHADOW = dataclasses.replace(ROLLOUT, settings=SETTINGS)
SHARE = dataclasses.replace(SHADOW, stage=Stage.SHARE)


def same(arms: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.ones(len(arms))


def observations(
    count: int,
    *,
    gain: float = 0.0,
    amounts: Callable[[npt.NDArray[np.bool_]], npt.NDArray[np.float64]] = same,
    tenants: tuple[str, ...] = ("",),
    seed: int = 0,
) -> list[Observation]:
    """Returns observations of artifacts that choose otherwise for every third query."""
    draw = np.random.default_rng(seed)
    arms, differs = draw.random(count) < 0.5, np.arange(count) % 3 == 0
    chance = np.where(differs, 0.5 + np.where(arms, 1.5, -1.5) * gain, 0.5)
    good = draw.random(count) < chance
    values = amounts(arms)
    return [
        Observation(
            tenant=tenants[row % len(tenants)],
            from_candidate=bool(arms[row]),
            probability=0.5,
            differs=bool(differs[row]),
            active_score=0.5,
            candidate_score=0.5,
            cost_usd=float(values[row]),
            latency_s=1.0,
            feedback=float(good[row]),
        )
        for row in range(count)
    ]


def stage_of(rollout: Rollout, found: list[Observation]) -> Stage:
    return judge_rollout(rollout, found).stage


def test_a_candidate_answers_only_after_enough_queries_in_its_shadow() -> None:
    few, enough = observations(49), observations(50)
    assert stage_of(SHADOW, []) is Stage.SHADOW
    assert stage_of(SHADOW, few) is Stage.SHADOW
    verdict = judge_rollout(SHADOW, enough)
    assert verdict.stage is Stage.SHARE
    assert verdict.figures.differing_share == pytest.approx(17 / 50)


def test_a_better_candidate_is_promoted_and_not_on_less_evidence_than_the_setting_says() -> None:
    better = observations(2000, gain=0.1)
    assert stage_of(SHARE, better) is Stage.PROMOTED
    assert stage_of(SHARE, better[:199]) is Stage.SHARE
    without = [dataclasses.replace(o, feedback=None) for o in better]
    assert stage_of(SHARE, without) is Stage.SHARE


@pytest.mark.parametrize("gain", [0.0, -0.1])
def test_a_candidate_that_is_no_better_is_rolled_back(gain: float) -> None:
    verdict = judge_rollout(SHARE, observations(2000, gain=gain))
    assert verdict.stage is Stage.ROLLED_BACK
    assert "better" in verdict.reason


def test_a_worse_candidate_is_rolled_back_before_the_end() -> None:
    assert stage_of(SHARE, observations(800, gain=-0.1)) is Stage.ROLLED_BACK


def test_shadow_queries_are_no_evidence_of_the_share_stage() -> None:
    shadow = [dataclasses.replace(o, probability=0.0) for o in observations(2000, gain=0.1)]
    assert judge_rollout(SHARE, shadow).figures.query_count == 0


def test_a_dear_candidate_is_rolled_back_however_good_it_is() -> None:
    dear = observations(2000, gain=0.1, amounts=lambda arms: np.where(arms, 4.0, 1.0))
    verdict = judge_rollout(SHARE, dear)
    assert verdict.stage is Stage.ROLLED_BACK
    assert "cost" in verdict.reason


def test_a_better_candidate_waits_until_its_cost_is_known() -> None:
    def uncertain(arms: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.random.default_rng(1).lognormal(sigma=2, size=len(arms))

    verdict = judge_rollout(SHARE, observations(2000, gain=0.1, amounts=uncertain))
    assert verdict.stage is Stage.SHARE
    assert "cost" in verdict.reason


def test_free_answers_have_no_change_of_cost() -> None:
    free = observations(2000, gain=0.1, amounts=lambda arms: np.zeros(len(arms)))
    assert stage_of(SHARE, free) is Stage.PROMOTED


def test_one_hostile_tenant_does_not_decide_a_rollout() -> None:
    """Every second query is the hostile tenant's, which praises the candidate's choices alone."""
    tenants = ("honest", "hostile", "other", "hostile")
    found = [
        dataclasses.replace(o, feedback=float(o.from_candidate)) if o.tenant == "hostile" else o
        for o in observations(2000, tenants=tenants)
    ]
    verdict = judge_rollout(SHARE, found)
    assert verdict.figures.wealth >= 25
    assert verdict.figures.deciding_tenant
    assert verdict.stage is Stage.ROLLED_BACK
    honest = observations(2000, gain=0.1, tenants=tenants)
    assert stage_of(SHARE, honest) is Stage.PROMOTED
