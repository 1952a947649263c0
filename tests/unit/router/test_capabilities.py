"""What a request needs, what models can do, and what becomes of models that lack some of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routemoa.errors import MissingCapabilityError
from services.router.contract.responses import (
    event_message,
    info_message,
    model_message,
    ranking_messages,
)
from services.router.contract.views import View
from services.router.engine.errors import check_capabilities
from services.router.engine.planner import (
    aggregators,
    eligible,
    plan_best,
    plan_layer,
)
from services.router.engine.proposals import final_call
from services.router.pool.backend import Backend
from services.router.pool.families import Family, default_capabilities
from services.router.routing.candidates import SelectionReason
from services.router.routing.events import Answer, RoutingDecision
from services.router.types.conversation import Conversation, needed_capabilities
from services.router.types.messages import Media, MediaKind, Message, Role
from services.router.types.options import (
    NO_OPTIONS,
    Capability,
    GenerationOptions,
    JsonFormat,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    in_order,
)
from tests.unit.router.candidates import POLICY
from tests.unit.router.runs import ASKED, pool_model, run_of

TOOL = Tool(name="legs")
WITH_TOOLS = Conversation(messages=ASKED.messages, options=GenerationOptions(tools=(TOOL,)))
ABLE = pool_model("a", capabilities=["tools", "parallel_tools", "images"])
SCORES = {"a": 0.5, "b": 0.9, "c": 0.8}


def needs(*messages: Message, **fields: Any) -> set[str]:
    found = needed_capabilities(messages or ASKED.messages, GenerationOptions(**fields))
    return {capability.value for capability in found}


def with_media(kind: MediaKind) -> Message:
    return Message(role=Role.USER, parts=(Media(kind=kind, url="https://example.com/a"),))


def test_text_alone_needs_nothing() -> None:
    assert needs() == set()
    assert needs(temperature=0.5, seed=1, reasoning_effort=ReasoningEffort.HIGH) == set()


def test_a_json_format_is_no_need_as_answers_are_checked() -> None:
    assert needs(json_format=JsonFormat()) == set()
    assert needs(json_format=JsonFormat(schema_json="{}", name="a")) == set()


def test_tools_are_needed_where_a_model_may_call_them_or_read_their_results() -> None:
    assert needs(tools=(TOOL,)) == {"tools"}
    assert needs(tools=(TOOL,), parallel_tool_calls=True) == {"tools", "parallel_tools"}
    assert needs(tools=(TOOL,), parallel_tool_calls=False) == {"tools"}
    none = ToolChoice(mode=ToolChoiceMode.NONE)
    assert needs(tools=(TOOL,), tool_choice=none, parallel_tool_calls=True) == set()
    result = Message(role=Role.TOOL, content="8", tool_call_id="1")
    assert needs(*ASKED.messages, result) == {"tools"}


def test_media_and_log_probabilities_are_needed() -> None:
    assert needs(with_media(MediaKind.IMAGE)) == {"images"}
    assert needs(with_media(MediaKind.AUDIO), with_media(MediaKind.FILE)) == {"audio", "files"}
    assert needs(top_log_probabilities=0) == {"log_probabilities"}


def test_the_pool_file_says_what_a_model_can_do() -> None:
    assert ABLE.abilities == {Capability.TOOLS, Capability.PARALLEL_TOOLS, Capability.IMAGES}
    assert pool_model("a", backend="vllm", capabilities=[]).abilities == frozenset()


@pytest.mark.parametrize(
    ("fields", "able", "unable"),
    [
        ({}, set(), set(Capability)),
        ({"backend": "vllm"}, {"json_schema", "log_probabilities"}, {"tools", "images"}),
        ({"backend": "llama.cpp"}, {"json_schema"}, {"tools", "images"}),
        ({"backend": "ollama", "url": "http://localhost"}, {"json_schema"}, {"tools"}),
        ({"backend": "tgi-native", "url": "http://localhost"}, set(), {"json_object"}),
        ({"backend": "openrouter"}, set(), {"tools", "images"}),
        ({"url": "https://api.openai.com/v1"}, {"tools", "parallel_tools", "json_schema"}, set()),
        (
            {"url": "https://api.openai.com/v1", "backend_model": "o3"},
            {"tools", "reasoning"},
            {"parallel_tools", "log_probabilities"},
        ),
        ({"url": "https://api.openai.com/v1", "backend_model": "o1-mini"}, set(), {"tools"}),
    ],
)
def test_without_a_word_in_the_file_only_what_the_backend_always_does_counts(
    fields: dict[str, Any], able: set[str], unable: set[str]
) -> None:
    found = {capability.value for capability in pool_model("a", **fields).abilities}
    assert able <= found
    assert not found & unable


EFFORT = {"reasoning_effort": ReasoningEffort.LOW}
ONE_CALL = {"tools": (TOOL,), "parallel_tool_calls": False}
NO_CALL = {"tools": (TOOL,), "tool_choice": ToolChoice(mode=ToolChoiceMode.NONE)}


@pytest.mark.parametrize(
    ("asked", "lacked", "sent"),
    [
        (EFFORT, {Capability.REASONING}, {}),
        (ONE_CALL, {Capability.PARALLEL_TOOLS}, {"tools": (TOOL,)}),
        (NO_CALL, {Capability.TOOLS}, {}),
        (NO_CALL | {"parallel_tool_calls": True}, {Capability.TOOLS}, {}),
        (EFFORT | ONE_CALL | NO_CALL, set(), EFFORT | ONE_CALL | NO_CALL),
    ],
)
def test_a_hint_that_a_model_has_no_use_for_is_not_sent_to_it(
    asked: dict[str, Any], lacked: set[Capability], sent: dict[str, Any]
) -> None:
    conversation = Conversation(
        messages=ASKED.messages, options=GenerationOptions(temperature=0.5, **asked)
    )
    model = pool_model("a", capabilities=[c.value for c in Capability if c not in lacked])
    run = run_of({"a": 0.5}, model, conversation=conversation)
    assert run.conversation.needs <= model.abilities  # it is called all the same
    assert final_call(run, model).options == GenerationOptions(temperature=0.5, **sent)


def test_no_backend_is_believed_to_read_media() -> None:
    media = {"images", "audio", "files"}
    known = {capability.value for capability in Capability}
    for backend in Backend:
        for family in Family:
            names = default_capabilities(backend, family, "api.openai.com")
            assert not media & names
            assert names <= known


def test_a_model_that_lacks_a_capability_is_not_eligible() -> None:
    run = run_of(SCORES, ABLE, conversation=WITH_TOOLS)
    assert [model.id for model in eligible(run)] == ["a"]
    assert [model.id for model in eligible(run_of(SCORES, ABLE))] == ["a", "b", "c"]


def test_the_ranking_says_why_a_model_without_the_capability_does_not_run() -> None:
    run = run_of(SCORES, ABLE, conversation=WITH_TOOLS)
    for planned in (plan_layer(run), plan_best(run, 3)):
        assert isinstance(planned, RoutingDecision)
        assert planned.selected_model_ids == ("a",)
        assert len(planned.ranked) == 1  # only an eligible model has a rank
        message = event_message(planned, View(full_ranking=True)).routing
        assert [ranked.model_id for ranked in message.ranked_models] == ["a", "b", "c"]
        reasons = [ranked.selection_reason for ranked in message.ranked_models]
        assert reasons == [1, 11, 11]
        assert "lacks a capability" in message.ranked_models[1].explanation


def test_models_that_the_policy_leaves_out_are_not_in_the_ranking() -> None:
    policy = replace(POLICY, model_ids=frozenset("ab"))
    planned = plan_layer(run_of(SCORES, ABLE, conversation=WITH_TOOLS, policy=policy))
    assert isinstance(planned, RoutingDecision)
    messages = ranking_messages(
        planned.ranked,
        planned.all_reasons,
        planned.selected_model_ids,
        View(full_ranking=True),
    )
    assert [message.model_id for message in messages] == ["a", "b"]
    assert planned.reason("b") is SelectionReason.CAPABILITY
    assert planned.reason("c") is None


@pytest.mark.parametrize(
    ("abilities", "missing"),
    [
        ([[], []], "CAPABILITY_TOOLS,CAPABILITY_IMAGES"),
        ([["tools"], []], "CAPABILITY_IMAGES"),
        ([["tools"], ["images"]], "CAPABILITY_TOOLS,CAPABILITY_IMAGES"),
    ],
)
def test_a_request_that_no_model_can_answer_is_refused_by_what_is_missing(
    abilities: list[list[str]], missing: str
) -> None:
    models = [
        pool_model(name, capabilities=given) for name, given in zip("ab", abilities, strict=True)
    ]
    run = run_of({"a": 0.5, "b": 0.5}, *models)
    asked = Conversation(
        messages=(with_media(MediaKind.IMAGE),), options=GenerationOptions(tools=(TOOL,))
    )
    with pytest.raises(MissingCapabilityError) as caught:
        check_capabilities(run.pool, POLICY, asked)
    assert caught.value.metadata == {"capabilities": missing}
    check_capabilities(run.pool, POLICY, ASKED)


def test_a_capability_counts_only_in_models_that_may_run() -> None:
    run = run_of(SCORES, ABLE)
    check_capabilities(run.pool, POLICY, WITH_TOOLS)
    policy = replace(POLICY, model_ids=frozenset("bc"))
    with pytest.raises(MissingCapabilityError):
        check_capabilities(run.pool, policy, WITH_TOOLS)


def test_an_aggregator_that_cannot_read_the_request_does_not_merge() -> None:
    answers = (Answer(model_id="a", text="8"),)
    run = run_of(SCORES, ABLE, pool={"aggregator": "c"}, conversation=WITH_TOOLS)
    assert [model.id for model in aggregators(run, answers)] == ["a"]
    plain = run_of(SCORES, ABLE, pool={"aggregator": "c"})
    assert [model.id for model in aggregators(plain, answers)] == ["c", "a"]


def test_callers_see_what_each_model_and_the_pool_can_do() -> None:
    run = run_of(SCORES, ABLE, pool_model("b", capabilities=["audio", "tools"]))
    assert list(model_message(ABLE).capabilities) == [1, 2, 5]
    info = info_message(run.pool, "routemoa", max_duration_s=1)
    assert list(info.capabilities) == [1, 2, 5, 6]


def test_capabilities_have_the_order_of_the_contract() -> None:
    assert in_order(reversed(Capability)) == tuple(Capability)
    assert NO_OPTIONS.tools == ()
