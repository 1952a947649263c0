"""Layers that end before their slowest model: backups, settled majorities, speculative answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.engine.patience import Patience
from services.router.types.ledger import CallStatus
from tests.unit.router.scripted import Layer, ScriptedPolicy, answered, at
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from tests.unit.router.scripted import Step

OK, CANCELLED = CallStatus.OK, CallStatus.CANCELLED


@virtually
async def test_a_model_that_is_silent_for_longer_than_usual_gets_a_backup_whose_answer_counts() -> (
    None
):
    layer = Layer(
        at(1.0, 60.0),
        Patience(quorum_share=1.0),
        ScriptedPolicy(backups="s"),
        usual_s={"b": 2.0},
        beside={"s": [(1.5, "s says")]},
    )
    outcome = await layer.run()
    assert layer.policy.asked_for_backup_s == [2.0]
    assert answered(outcome) == ["a", "s"]
    assert outcome.duration_s == pytest.approx(3.5)
    assert layer.statuses == {"a": OK, "b": CANCELLED, "s": OK}


@virtually
async def test_a_model_that_began_in_its_usual_time_gets_none_however_long_it_writes() -> None:
    script: dict[str, list[Step]] = {"a": [(1.9, "a says"), (5.0, " more")]}
    layer = Layer(script, policy=ScriptedPolicy(backups="s"), usual_s={"a": 2.0})
    assert (await layer.run()).answers[0].text == "a says more"
    assert layer.policy.asked_for_backup_s == []


@virtually
async def test_a_model_whose_usual_time_is_unknown_and_one_that_has_failed_get_none() -> None:
    layer = Layer(
        {**at(5.0), "b": [(1.0, CallStatus.UNREACHABLE)]},
        policy=ScriptedPolicy(backups="s"),
        usual_s={"b": 2.0},
    )
    assert answered(await layer.run()) == ["a"]
    assert layer.policy.asked_for_backup_s == []


@virtually
async def test_without_a_backup_the_silent_model_is_waited_for_and_asked_about_once() -> None:
    layer = Layer(at(6.0), policy=ScriptedPolicy(), usual_s={"a": 2.0})
    assert answered(await layer.run()) == ["a"]
    assert layer.policy.asked_for_backup_s == [2.0]


@virtually
async def test_a_backup_that_is_silent_gets_a_backup_too() -> None:
    layer = Layer(
        at(60.0),
        policy=ScriptedPolicy(backups="st"),
        usual_s={"a": 2.0, "s": 3.0},
        beside={"t": [(1.0, "t says")]},
    )
    outcome = await layer.run()
    assert layer.policy.asked_for_backup_s == [2.0, 5.0]
    assert answered(outcome) == ["t"]
    assert outcome.duration_s == pytest.approx(6.0)


@virtually
async def test_each_silent_model_gets_its_own_backup() -> None:
    layer = Layer(
        at(60.0, 60.0, 1.0),
        Patience(quorum_share=1.0),
        ScriptedPolicy(backups="st"),
        usual_s={"a": 2.0, "b": 2.0, "c": 2.0},
        beside={"s": [(1.0, "s says")], "t": [(2.0, "t says")]},
    )
    outcome = await layer.run()
    assert answered(outcome) == ["c", "s", "t"]
    assert outcome.duration_s == pytest.approx(4.0)


@virtually
async def test_a_layer_that_may_not_end_early_waits_for_a_silent_model() -> None:
    layer = Layer(at(6.0), policy=ScriptedPolicy(ends_early=False, backups="s"), usual_s={"a": 2.0})
    assert answered(await layer.run()) == ["a"]
    assert layer.policy.asked_for_backup_s == []


@virtually
async def test_a_layer_ends_as_soon_as_its_answers_are_settled() -> None:
    layer = Layer(
        at(1.0, 2.0, 3.0, 4.0), Patience(quorum_share=1.0), ScriptedPolicy(settled_count=2)
    )
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(2.0)
    assert answered(outcome) == ["a", "b"]
    assert layer.statuses == {"a": OK, "b": OK, "c": CANCELLED, "d": CANCELLED}
    asked = layer.policy.asked_if_settled
    assert (["a says"], ["b", "c", "d"]) in asked
    assert (["a says", "b says"], ["c", "d"]) in asked
    assert all(answers for answers, _ in asked)


@virtually
async def test_a_layer_that_may_not_end_early_waits_for_all_however_settled_its_answers_are() -> (
    None
):
    policy = ScriptedPolicy(ends_early=False, settled_count=1)
    layer = Layer(at(1.0, 2.0, 3.0), Patience(quorum_share=1.0), policy)
    assert (await layer.run()).duration_s == pytest.approx(3.0)
    assert policy.speculated == []


@virtually
async def test_a_model_and_its_backup_are_counted_as_one_that_is_still_at_work() -> None:
    layer = Layer(
        at(60.0, 3.0, 60.0),
        Patience(quorum_share=0.1, grace_share=0.0, min_grace_s=1.0),
        ScriptedPolicy(backups="s"),
        usual_s={"a": 2.0},
        beside={"s": [(30.0, "s says")]},
    )
    await layer.run()
    assert layer.policy.asked_if_settled[-1] == (["b says"], ["c", "s"])


@virtually
async def test_a_speculative_answer_starts_a_moment_after_the_quorum_while_others_are_waited_for() -> (
    None
):
    layer = Layer(at(1.0, 2.0, 3.5), policy=ScriptedPolicy())
    outcome = await layer.run()
    assert layer.policy.speculated == [(2.1, ["a says", "b says"])]
    assert layer.policy.speculations == ["whole"]
    assert outcome.duration_s == pytest.approx(3.5)


@virtually
async def test_no_speculative_answer_starts_if_the_rest_follow_at_once_or_there_is_no_quorum() -> (
    None
):
    policy = ScriptedPolicy()
    await Layer(at(1.0, 2.0, 2.05), policy=policy).run()
    await Layer(at(1.0, 9.0, 9.0), deadline_s=5.0, policy=policy).run()
    assert policy.speculated == []


@virtually
async def test_a_speculative_answer_that_is_still_starting_when_the_layer_ends_is_stopped() -> None:
    layer = Layer(at(1.0, 2.0, 3.5), policy=ScriptedPolicy(speculation_s=60.0))
    outcome = await layer.run()
    assert layer.policy.speculations == ["cancelled"]
    assert outcome.duration_s == pytest.approx(3.5)
