"""The wait of a layer for its models, and the end of models that are late."""

from __future__ import annotations

import asyncio

import pytest

from services.router.engine.patience import Overtime, Patience
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallStatus
from tests.unit.router.scripted import Layer, ScriptedPolicy, answered, at
from tests.virtual_time import virtually

OK, CANCELLED, TIMEOUT = CallStatus.OK, CallStatus.CANCELLED, CallStatus.TIMEOUT


@virtually
async def test_a_layer_lasts_until_its_slowest_model_if_that_is_not_late() -> None:
    layer = Layer(at(2.0, 1.0, 3.0))
    outcome = await layer.run()
    assert [(a.model_id, a.text) for a in outcome.answers] == [
        ("a", "a says"),
        ("b", "b says"),
        ("c", "c says"),
    ]
    assert outcome.duration_s == pytest.approx(3.0)
    assert layer.statuses == {"a": OK, "b": OK, "c": OK}
    assert list(outcome.entries) == layer.ledger.entries


@pytest.mark.parametrize(("third_s", "lasts_s"), [(3.9, 3.9), (4.1, 4.0)])
@virtually
async def test_the_rest_get_as_long_again_as_the_quorum_took(
    third_s: float, lasts_s: float
) -> None:
    layer = Layer(at(1.0, 2.0, third_s))
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(lasts_s)
    assert layer.statuses["c"] is (OK if third_s == lasts_s else CANCELLED)
    assert answered(outcome) == (["a", "b", "c"] if third_s == lasts_s else ["a", "b"])


@virtually
async def test_the_grace_is_a_share_of_what_the_quorum_took() -> None:
    layer = Layer(at(1.0, 2.0, 9.0), Patience(quorum_share=0.6, grace_share=0.25, min_grace_s=0.1))
    assert (await layer.run()).duration_s == pytest.approx(2.5)


@virtually
async def test_if_nothing_else_is_set_the_rest_get_as_long_again_or_a_tenth_of_a_second() -> None:
    patience = Patience(quorum_share=0.6)
    assert (await Layer(at(1.0, 2.0, 9.0), patience).run()).duration_s == pytest.approx(4.0)
    assert (await Layer(at(0.01, 0.02, 9.0), patience).run()).duration_s == pytest.approx(0.12)


@virtually
async def test_a_quick_quorum_leaves_the_rest_the_least_grace() -> None:
    layer = Layer(at(0.01, 0.02, 0.11, 0.13))
    patience = Patience(quorum_share=0.5, grace_share=1.0, min_grace_s=0.1)
    layer.patience = patience
    assert (await layer.run()).duration_s == pytest.approx(0.12)
    assert layer.statuses == {"a": OK, "b": OK, "c": OK, "d": CANCELLED}


@pytest.mark.parametrize(
    ("share", "lasts_s"),
    [
        (0.0, 2.0),  # one answer is a quorum at the least
        (0.3, 4.0),  # 1.2 of four models are two
        (0.5, 4.0),
        (0.6, 6.0),
    ],
)
@virtually
async def test_a_quorum_is_a_share_of_the_models_rounded_up(share: float, lasts_s: float) -> None:
    layer = Layer(at(1.0, 2.0, 3.0, 50.0), Patience(quorum_share=share, grace_share=1.0))
    assert (await layer.run()).duration_s == pytest.approx(lasts_s)


@virtually
async def test_who_answers_within_the_grace_does_not_make_it_longer() -> None:
    layer = Layer(at(1.0, 2.0, 3.0, 9.0, 9.0), Patience(quorum_share=0.4, grace_share=1.0))
    assert (await layer.run()).duration_s == pytest.approx(4.0)


@virtually
async def test_without_a_quorum_whoever_is_silent_at_the_deadline_is_too_late() -> None:
    layer = Layer(at(1.0, 9.0, 9.0), deadline_s=5.0)
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(5.0)
    assert answered(outcome) == ["a"]
    assert layer.statuses == {"a": OK, "b": TIMEOUT, "c": TIMEOUT}


@virtually
async def test_the_deadline_cuts_the_grace_short_and_blames_nobody() -> None:
    layer = Layer(at(1.0, 3.0, 9.0), deadline_s=5.0)
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(5.0)
    assert layer.statuses == {"a": OK, "b": OK, "c": CANCELLED}


@virtually
async def test_every_call_is_told_when_its_layer_ends() -> None:
    layer = Layer(at(1.0, 1.0), deadline_s=5.0)
    ends = Deadline.after(5.0)
    await layer.run()
    assert [each.call.deadline for each in layer.proposals] == [ends, ends]


@virtually
async def test_a_model_that_fails_is_dropped_and_not_waited_for() -> None:
    layer = Layer({"a": [(1.0, "a says")], "b": [(2.0, CallStatus.BACKEND_ERROR)]})
    outcome = await layer.run()
    assert answered(outcome) == ["a"]
    assert outcome.duration_s == pytest.approx(2.0)
    assert layer.statuses == {"a": OK, "b": CallStatus.BACKEND_ERROR}


@virtually
async def test_a_reply_without_an_answer_is_none() -> None:
    layer = Layer({"a": [(1.0, "a says")], "b": [(1.0, "")]})
    assert answered(await layer.run()) == ["a"]
    assert layer.statuses == {"a": OK, "b": CallStatus.EMPTY}


@virtually
async def test_a_caller_that_goes_away_is_billed_for_what_was_begun() -> None:
    layer = Layer(at(1.0, 9.0, 9.0))
    running = asyncio.create_task(layer.run())
    await asyncio.sleep(2.0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert layer.statuses == {"a": OK, "b": CANCELLED, "c": CANCELLED}


def overtime(until_s: float, share: float = 0.5) -> Overtime:
    return Overtime(deadline=Deadline.after(until_s), share=share)


@virtually
async def test_a_layer_without_overtime_ends_with_its_share_of_the_time() -> None:
    layer = Layer(at(9.0, 9.0), deadline_s=5.0)
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(5.0)
    assert outcome.answers == ()
    assert layer.statuses == {"a": TIMEOUT, "b": TIMEOUT}
    assert layer.policy.asked_for_further == []


@virtually
async def test_a_layer_with_an_answer_needs_no_overtime() -> None:
    layer = Layer(at(1.0, 9.0, 9.0), deadline_s=5.0, overtime=overtime(20.0))
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(5.0)
    assert layer.policy.asked_for_further == []


@virtually
async def test_if_nobody_answers_in_time_further_models_start_and_the_first_answer_ends_the_layer() -> (
    None
):
    layer = Layer(
        at(60.0, 60.0),
        policy=ScriptedPolicy(ends_early=False, further="cde"),
        beside={"c": [(3.0, "c says")], "d": [(2.0, "d says")], "e": [(0.1, "e says")]},
        deadline_s=5.0,
        overtime=overtime(20.0),
    )
    outcome = await layer.run()
    assert layer.policy.asked_for_further == [(5.0, 2)]  # as many as the layer wanted
    assert answered(outcome) == ["d"]
    assert outcome.duration_s == pytest.approx(7.0)
    assert layer.statuses == {"a": TIMEOUT, "b": TIMEOUT, "c": CANCELLED, "d": OK}


@virtually
async def test_a_model_that_is_late_may_still_be_the_first_to_answer() -> None:
    layer = Layer(
        at(8.0, 60.0, 60.0),
        policy=ScriptedPolicy(ends_early=False, further="d"),
        deadline_s=5.0,
        overtime=overtime(20.0),
    )
    outcome = await layer.run()
    assert answered(outcome) == ["a"]
    assert outcome.duration_s == pytest.approx(8.0)
    assert layer.statuses == {"a": OK, "b": TIMEOUT, "c": TIMEOUT, "d": CANCELLED}


@virtually
async def test_further_models_start_after_each_share_of_the_time_left_while_there_are_any() -> None:
    layer = Layer(
        at(60.0),
        policy=ScriptedPolicy(ends_early=False, further="cd"),
        deadline_s=5.0,
        overtime=overtime(21.0, share=0.25),
    )
    outcome = await layer.run()
    assert layer.policy.asked_for_further == [(5.0, 1), (9.0, 1), (12.0, 1)]
    assert outcome.duration_s == pytest.approx(21.0)
    assert layer.statuses == {"a": TIMEOUT, "c": TIMEOUT, "d": TIMEOUT}


@virtually
async def test_in_overtime_every_call_may_run_to_the_callers_deadline() -> None:
    policy = ScriptedPolicy(ends_early=False, further="c")
    layer = Layer(at(8.0, 9.0), policy=policy, deadline_s=5.0, overtime=overtime(20.0))
    assert layer.overtime is not None
    await layer.run()
    calls = [each.call for each in (*layer.proposals, *policy.started)]
    assert [call.deadline for call in calls] == [layer.overtime.deadline] * 3


@virtually
async def test_the_shortest_overtime_is_used_too() -> None:
    layer = Layer(
        at(9.0),
        policy=ScriptedPolicy(ends_early=False, further="b"),
        beside={"b": [(0.2, "b says")]},
        deadline_s=5.0,
        overtime=overtime(5.5),
    )
    assert answered(await layer.run()) == ["b"]
    assert layer.policy.asked_for_further == [(5.0, 1)]


@virtually
async def test_there_is_no_overtime_once_the_callers_time_is_over() -> None:
    layer = Layer(at(9.0), deadline_s=5.0, overtime=overtime(5.0))
    assert (await layer.run()).duration_s == pytest.approx(5.0)
    assert layer.policy.asked_for_further == []


@virtually
async def test_if_nobody_answers_in_time_the_first_model_that_wrote_anything_has_the_answer() -> (
    None
):
    writing = [(1.0, "Ei"), (60.0, "ght.")]
    layer = Layer(
        {"a": [(60.0, "Eight.")], "b": writing, "c": writing},
        policy=ScriptedPolicy(ends_early=False, takes_partial=True),
        deadline_s=5.0,
        overtime=overtime(9.0),
    )
    outcome = await layer.run()
    assert [(answer.model_id, answer.text) for answer in outcome.answers] == [("b", "Ei")]
    assert outcome.duration_s == pytest.approx(9.0)
    assert layer.statuses == {"a": TIMEOUT, "b": TIMEOUT, "c": TIMEOUT}


@virtually
async def test_a_layer_whose_models_all_fail_ends_at_once() -> None:
    failing = [(1.0, CallStatus.UNREACHABLE)]
    layer = Layer({"a": failing, "b": failing}, overtime=overtime(200.0))
    outcome = await layer.run()
    assert outcome.duration_s == pytest.approx(1.0)
    assert outcome.answers == ()


@virtually
async def test_of_a_quorum_in_overtime_nobody_is_blamed_that_started_after_the_share() -> None:
    layer = Layer(
        {"a": [(6.0, CallStatus.BACKEND_ERROR)]},
        policy=ScriptedPolicy(ends_early=False, further="bc"),
        beside={"b": [(3.0, "b says")]},
        deadline_s=5.0,
        overtime=overtime(15.0, share=0.2),
    )
    outcome = await layer.run()
    assert answered(outcome) == ["b"]
    assert layer.statuses == {"a": CallStatus.BACKEND_ERROR, "b": OK, "c": CANCELLED}


@virtually
async def test_an_exception_of_one_model_ends_its_call_and_no_other(
    unexpected_failures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "what the caller asked"
    scripts = {**at(1.0, 2.0), "x": ((0.5, "half"), (0.1, RuntimeError(secret)))}
    layer = Layer(scripts, Patience(quorum_share=1.0))
    outcome = await layer.run()
    assert answered(outcome) == ["a", "b"]
    assert layer.statuses == {"a": OK, "b": OK, "x": CallStatus.MALFORMED}
    assert len(unexpected_failures) == 1
    logged = capsys.readouterr().out
    assert "RuntimeError" in logged
    assert secret not in logged
    unexpected_failures.clear()
