"""The policies of layers: further models, backups, settled majorities and speculative answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import REGISTRY

from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.reservation import UNLIMITED
from services.router.budgets.tenants import ANONYMOUS
from services.router.dependencies.judge_client import Verdict
from services.router.engine.layer_policy import AssessedLayerPolicy, PlainLayerPolicy
from services.router.engine.planner import rank_eligible
from services.router.engine.proposals import assessed_proposal
from services.router.engine.speculative_answer import SpeculativeAnswer
from services.router.routing.candidates import SelectionReason
from services.router.routing.events import Answer, Assessment, LayerReport, RoutingDecision
from services.router.types.amounts import Caps
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallPurpose
from tests.unit.router.candidates import POLICY
from tests.unit.router.runs import ENTRY, run_of
from tests.unit.router.scripted import ScriptedGenerator, proposal
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.dependencies.judge_client import Judge
    from services.router.engine.run import Run

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.5, "e": 0.4}


@dataclass
class FakeJudge:
    """Gives every model its prior score, or the score that is set for it."""

    scores: Mapping[str, float] = field(default_factory=dict)
    asked: list[tuple[list[str], list[str], float]] = field(default_factory=list)
    """The models of the answers and of those before, and the time given."""

    async def assess(
        self,
        answers: Sequence[Answer],
        previous: Sequence[Answer],
        priors: Mapping[str, float],
        deadline: Deadline,
        query: str = "",  # as of the real judge
    ) -> Verdict:
        given, before = ([each.model_id for each in some] for some in (answers, previous))
        self.asked.append((given, before, round(deadline.remaining_s(), 3)))
        return Verdict(
            assessments=tuple(
                Assessment(model_id=m, posterior_score=self.scores.get(m, priors[m]))
                for m in {*given, *before}
            )
        )


def account(run: Run, calls: int) -> None:
    """Gives the run an account with room for so many calls."""
    run.account = Account(
        tenant=ANONYMOUS,
        caps=Caps(calls=calls),
        store=MemoryStore(),
        deadline=run.deadline,
        lease_margin_s=30,
    )


def assessed(
    run: Run,
    *selected: str,
    judge: FakeJudge | None = None,
    budget: RetryBudget | None = None,
    reasons: Mapping[str, SelectionReason] | None = None,
    min_stage_s: float = 1.0,
) -> AssessedLayerPolicy:
    """Returns the policy of a layer; models that are not selected found it full."""
    full = dict.fromkeys(SCORES.keys() - {*selected}, SelectionReason.LAYER_FULL)
    return AssessedLayerPolicy(
        run,
        RoutingDecision(
            layer_number=1,
            ranked=rank_eligible(run),
            selected_model_ids=selected,
            reasons=full if reasons is None else reasons,
        ),
        assessed_proposal,
        judge=cast("Judge", judge or FakeJudge()),
        stream=ScriptedGenerator({}).stream,
        backup_budget=budget or RetryBudget(share=0, floor=100),
        min_stage_s=min_stage_s,
    )


def answers(**texts: str) -> list[Answer]:
    return [Answer(model_id=model_id, text=text) for model_id, text in texts.items()]


async def next_models(policy: PlainLayerPolicy, count: int) -> list[str]:
    return [each.call.model.id for each in await policy.next_models(count)]


async def next_backup(policy: AssessedLayerPolicy) -> str | None:
    backup = await policy.next_backup()
    return None if backup is None else backup.call.model.id


@virtually
async def test_a_plain_layer_has_no_way_to_end_early() -> None:
    policy = PlainLayerPolicy(run_of(SCORES))
    assert not policy.ends_early
    assert not policy.is_settled(answers(a="8", b="8"), [])
    assert await policy.next_backup() is None
    assert await next_models(policy, 3) == []


@virtually
async def test_further_models_come_in_their_order_and_each_once() -> None:
    policy = PlainLayerPolicy(run_of(SCORES), [proposal(name) for name in "xyz"])
    assert await next_models(policy, 2) == ["x", "y"]
    assert await next_models(policy, 2) == ["z"]
    assert await next_models(policy, 2) == []


@virtually
async def test_no_further_model_starts_in_less_than_the_least_time() -> None:
    for left_s, found in ((0.9, []), (1.0, ["x"])):
        run = run_of(SCORES, deadline=Deadline.after(left_s))
        assert await next_models(PlainLayerPolicy(run, [proposal("x")], 1.0), 1) == found
    over = run_of(SCORES, deadline=Deadline.after(0))
    assert await next_models(PlainLayerPolicy(over, [proposal("x")]), 1) == ["x"]


@virtually
async def test_a_further_model_has_its_room_reserved_or_does_not_start() -> None:
    run = run_of(SCORES)
    account(run, calls=1)
    policy = PlainLayerPolicy(run, [proposal("x"), proposal("y")])
    (started,) = await policy.next_models(2)
    assert started.call.budget is run.account
    assert started.call.reservation is not UNLIMITED
    assert started.call.model.id == "x"


@virtually
async def test_an_assessed_layer_may_end_early_and_goes_on_with_the_models_left_out() -> None:
    policy = assessed(run_of(SCORES), "a", "c")
    assert policy.ends_early
    found = await policy.next_models(2)
    assert [each.call.model.id for each in found] == ["b", "d"]
    assert "self_score" in found[0].call.messages[0].content  # they are assessed, too
    assert await next_models(policy, 2) == ["e"]


@virtually
async def test_an_assessed_layer_keeps_the_least_time_of_a_further_model() -> None:
    run = run_of(SCORES, deadline=Deadline.after(5))
    assert await next_models(assessed(run, "a", min_stage_s=6), 1) == []
    assert await next_models(assessed(run, "a", min_stage_s=5), 1) == ["b"]


@virtually
async def test_a_backup_is_the_next_model_that_only_better_ones_kept_out() -> None:
    reasons = {
        "b": SelectionReason.COST_LIMIT,
        "c": SelectionReason.SCORE_GAP,
        "d": SelectionReason.LAYER_FULL,
    }
    policy = assessed(run_of(SCORES), "a", reasons=reasons)
    assert [await next_backup(policy) for _ in range(3)] == ["c", "d", None]
    assert await next_models(policy, 9) == ["b", "e"]  # no model is asked twice


@virtually
async def test_backups_keep_their_budget_and_the_limits() -> None:
    policy = assessed(run_of(SCORES), "a", budget=RetryBudget(share=0, floor=1))
    assert [await next_backup(policy) for _ in range(2)] == ["b", None]
    run = run_of(SCORES)
    account(run, calls=1)
    policy = assessed(run, "a")
    backup = await policy.next_backup()
    assert backup is not None
    assert backup.call.budget is run.account
    assert await next_backup(policy) is None


@virtually
async def test_backups_are_counted() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("routemoa_router_stand_ins_total") or 0.0

    policy, before = assessed(run_of(SCORES), "a", budget=RetryBudget(share=0, floor=1)), counted()
    await next_backup(policy)
    await next_backup(policy)
    assert counted() == before + 1


@pytest.mark.parametrize(
    ("texts", "pending", "settled"),
    [
        ({"a": "8", "b": "8"}, [], True),
        ({"a": "8", "b": "8"}, ["c"], True),
        ({"a": "8", "b": "8"}, ["c", "d"], False),  # half of the layer is no majority
        ({"a": "8", "b": "7"}, [], False),
        ({"a": "8"}, [], False),
        ({"d": "8", "e": "8"}, ["a"], False),  # a strong model would outweigh two weak ones
    ],
)
@virtually
async def test_answers_are_settled_if_no_pending_model_can_overturn_their_majority(
    texts: Mapping[str, str], pending: list[str], settled: bool
) -> None:
    policy = assessed(run_of(SCORES), "a", "b", "c", "d")
    assert policy.is_settled(answers(**texts), pending) is settled


async def speculation(run: Run, *given: Answer, **options: Any) -> SpeculativeAnswer | None:
    """Returns the speculative answer that a layer of a, b and c starts, and stops its call."""
    await assessed(run, "a", "b", "c", **options).start_speculative_answer(given)
    speculative = run.speculative_answer
    if speculative is None:
        return None
    assert isinstance(speculative, SpeculativeAnswer)
    await speculative.drop(run.ledger)
    return speculative


def last_layer(**fields: Any) -> Run:
    """Returns a run that has no layer after this one."""
    return run_of(SCORES, policy=replace(POLICY, max_layer_count=1), **fields)


DIFFERING = answers(a="7", b="8")


@virtually
async def test_a_speculative_answer_merges_the_answers_best_first() -> None:
    run = last_layer()
    judge = FakeJudge({"a": 0.3, "b": 0.6})
    found = await speculation(run, *DIFFERING, judge=judge)
    assert found is not None
    assert judge.asked == [(["a", "b"], [], 50.0)]  # half of the time left
    assert found.read_ids == {"a", "b"}
    call = found.call
    assert (call.model.id, call.purpose, call.layer_number) == ("b", CallPurpose.AGGREGATION, 1)
    assert call.deadline == run.deadline
    prompt = call.messages[-1].content
    assert prompt.index("R1\n8") < prompt.index("R2\n7")


@virtually
async def test_the_pools_own_aggregator_writes_the_speculative_answer() -> None:
    found = await speculation(last_layer(pool={"aggregator": "e"}), *DIFFERING)
    assert found is not None
    assert found.call.model.id == "e"


@virtually
async def test_a_speculative_answer_of_a_later_layer_has_its_number_and_the_judge_all_answers() -> (
    None
):
    before = tuple(answers(d="9"))
    report = LayerReport(
        layer_number=1,
        selected_model_ids=("d",),
        answers=before,
        assessments=(),
        usage=(),
        duration_s=1.0,
    )
    run = run_of(SCORES, answers=before, reports=[report])
    judge = FakeJudge()
    found = await speculation(run, *DIFFERING, judge=judge)
    assert found is not None
    assert found.call.layer_number == 2
    assert judge.asked == [(["a", "b"], ["d"], 50.0)]


@virtually
async def test_nothing_is_merged_early_if_another_layer_would_follow() -> None:
    assert await speculation(run_of(SCORES), *DIFFERING) is None
    sure = await speculation(run_of(SCORES), *DIFFERING, judge=FakeJudge({"a": 0.9}))
    assert sure is not None  # the stopping score is reached


@virtually
async def test_a_speculative_answer_starts_however_short_the_time_left() -> None:
    assert await speculation(last_layer(deadline=Deadline.after(0.5)), *DIFFERING) is not None


@virtually
async def test_answers_that_agree_are_not_even_assessed_early() -> None:
    judge = FakeJudge()
    assert await speculation(last_layer(), *answers(a="8", b="8"), judge=judge) is None
    assert judge.asked == []


@virtually
async def test_a_speculative_answer_keeps_the_limits() -> None:
    run = last_layer()
    run.policy = replace(run.policy, max_call_count=1)
    run.ledger.add(ENTRY)
    assert await speculation(run, *DIFFERING) is None
    reserved = last_layer()
    account(reserved, calls=1)
    assert await speculation(reserved, *DIFFERING) is not None
    account(reserved, calls=0)
    reserved.speculative_answer = None
    assert await speculation(reserved, *DIFFERING) is None
