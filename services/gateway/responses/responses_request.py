"""The request of POST /v1/responses -> a request to the router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.extension import FIELD
from services.gateway.fields import Fields, Problems
from services.gateway.requests.conversation import ConversationBuilder
from services.gateway.requests.extension_options import extend
from services.gateway.requests.json_values import json_text, texts_by_name
from services.gateway.responses.input_items import read_items
from services.gateway.responses.responses_tools import read_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

_EFFORTS = {
    "none": generation_pb2.REASONING_EFFORT_NONE,
    "minimal": generation_pb2.REASONING_EFFORT_MINIMAL,
    "low": generation_pb2.REASONING_EFFORT_LOW,
    "medium": generation_pb2.REASONING_EFFORT_MEDIUM,
    "high": generation_pb2.REASONING_EFFORT_HIGH,
    "xhigh": generation_pb2.REASONING_EFFORT_HIGH,
    "max": generation_pb2.REASONING_EFFORT_HIGH,
}
_REFUSED = {
    "background": "is not supported: no response is stored",
    "context_management": "is not supported: the conversation is sent to models as it is",
    "conversation": "is not supported: no response is stored; send the whole conversation",
    "moderation": "is not supported",
    "previous_response_id": "is not supported: no response is stored; send the whole conversation",
    "prompt": "is not supported: no prompt is stored; use `instructions` and `input`",
}
_IGNORED = {
    "access_programs",
    "background_options",
    "image",
    "max_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "stream_options",
    "truncation",
}
"""Fields that change no answer here. `store` is one: nothing is stored, and replies say so."""
_READ = {
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "reasoning",
    FIELD,
    "safety_identifier",
    "stream",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
}
_KNOWN = _READ | _IGNORED | set(_REFUSED)


def read_request(
    body: Mapping[str, Any], headers: Mapping[str, str], problems: Problems
) -> pb.StreamAnswerRequest:
    """Returns the request to the router; records its problems."""
    fields = Fields(body, "", problems)
    for name in fields.unknown(_KNOWN):
        fields.wrong(name, "is not a known parameter")
    for name, reason in _REFUSED.items():
        if fields.values.get(name):
            fields.wrong(name, reason)
    request = pb.StreamAnswerRequest(messages=_messages(fields), options=_options(fields))
    extend(request, body, headers, problems)
    return request


def _messages(fields: Fields) -> list[model_pb2.Message]:
    conversation = ConversationBuilder()
    instructions = fields.text("instructions") or ""
    if instructions:
        conversation.message(model_pb2.ROLE_SYSTEM, [instructions])
    if fields.values.get("input") == []:
        fields.wrong("input", "must not be empty")
    elif isinstance(fields.values.get("input"), list):
        read_items(fields, conversation)
    else:
        conversation.message(model_pb2.ROLE_USER, [fields.required_text("input")])
    return conversation.messages()


def _options(fields: Fields) -> generation_pb2.GenerationOptions:
    options = generation_pb2.GenerationOptions(
        max_output_token_count=fields.integer("max_output_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
    )
    options.metadata.end_user = fields.text("safety_identifier") or fields.text("user") or ""
    options.metadata.tags.update(texts_by_name(fields, "metadata"))
    _read_reasoning(fields, options)
    _read_log_probabilities(fields, options)
    _read_format(fields, options)
    read_tools(fields, options)
    return options


def _read_reasoning(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    reasoning = fields.object("reasoning")
    if reasoning is None:
        return
    if reasoning.has("effort"):
        options.reasoning_effort = _EFFORTS[reasoning.choice("effort", [*_EFFORTS]) or "medium"]
    summary = reasoning.text("summary") or reasoning.text("generate_summary")
    options.include_reasoning = bool(summary)


def _read_log_probabilities(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    count = fields.integer("top_logprobs")
    if count or "message.output_text.logprobs" in fields.texts("include"):
        options.top_log_probability_count = count or 0


def _read_format(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    text = fields.object("text")
    form = text.object("format") if text is not None else None
    if form is None:
        return
    kind = form.choice("type", ("text", "json_object", "json_schema")) or "text"
    if kind == "json_object":
        options.response_format.json_object.SetInParent()
    elif kind == "json_schema":
        schema = options.response_format.json_schema
        schema.name = form.required_text("name")
        schema.description = form.text("description") or ""
        schema.schema_json = json_text(form, "schema")
        if not schema.schema_json:
            form.wrong("schema", "is required")
        strict = form.flag("strict")
        if strict is not None:
            schema.strict = strict
