"""A request for a chat completion -> the call, with everything that is wrong with it at once."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from routemoa.v1 import generation_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import Call
from services.gateway.chat.chat_messages import read_messages
from services.gateway.chat.chat_tools import read_response_format, read_tools
from services.gateway.extension import FIELD, read_extension
from services.gateway.fields import Fields, Problems, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_Options = generation_pb2.GenerationOptions
_READ = {
    "frequency_penalty",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    FIELD,
}
_IGNORED = {
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "verbosity",
}
"""Fields of OpenAI's that change no answer here."""
_REFUSED = {
    "audio": "answers are text",
    "function_call": "is deprecated by OpenAI; use tool_choice",
    "functions": "is deprecated by OpenAI; use tools",
    "logit_bias": "is not supported",
    "web_search_options": "is not supported",
}
_EFFORTS = {
    "": generation_pb2.REASONING_EFFORT_UNSPECIFIED,
    "none": generation_pb2.REASONING_EFFORT_NONE,
    "minimal": generation_pb2.REASONING_EFFORT_MINIMAL,
    "low": generation_pb2.REASONING_EFFORT_LOW,
    "medium": generation_pb2.REASONING_EFFORT_MEDIUM,
    "high": generation_pb2.REASONING_EFFORT_HIGH,
    "xhigh": generation_pb2.REASONING_EFFORT_HIGH,
}


def read_chat(body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
    """Returns the call in a request.

    Raises:
        ApiError: The request is wrong; it names all problems at once.
    """
    problems = Problems()
    fields = Fields(body, "", problems)
    _refuse(fields)
    model = fields.required_text("model")
    stream = fields.flag("stream") or False
    extension = read_extension(body, headers, problems)
    options = _read_options(fields)
    options.MergeFrom(extension.options)
    call = Call(
        request=pb.StreamAnswerRequest(
            messages=read_messages(fields), policy=extension.policy, options=options
        ),
        model=model,
        reply_id=f"chatcmpl-{random.getrandbits(116):029x}",  # unique, not secret
        created_s=int(time.time()),
        stream=stream,
        include_usage=_includes_usage(fields, stream=stream),
    )
    problems.raise_if_any()
    return call


def _refuse(fields: Fields) -> None:
    for name in fields.unknown(_READ | _IGNORED):
        if name not in _REFUSED:
            fields.wrong(shown(name), "Unrecognized request argument supplied")
        elif fields.has(name):
            fields.wrong(name, _REFUSED[name])
    if fields.integer("n") not in (None, 1):
        fields.wrong("n", "must be 1: one answer is made of several models' already")
    if set(fields.texts("modalities")) - {"text"}:
        fields.wrong("modalities", "must be text: answers are text")


def _includes_usage(fields: Fields, *, stream: bool) -> bool:
    stream_options = fields.object("stream_options")
    if stream_options is None:
        return False
    if not stream:
        fields.wrong("stream_options", "is only allowed when stream is true")
    return stream_options.flag("include_usage") or False


def _read_options(fields: Fields) -> _Options:
    effort = fields.choice("reasoning_effort", tuple(_EFFORTS)[1:])
    options = _Options(
        max_output_token_count=_max_tokens(fields),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        stop_sequences=_stop(fields),
        seed=fields.integer("seed", bits=64),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        reasoning_effort=_EFFORTS[effort or ""],
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        top_log_probability_count=_top_log_probabilities(fields),
    )
    read_response_format(fields, options)
    read_tools(fields, options)
    _read_metadata(fields, options)
    return options


def _max_tokens(fields: Fields) -> int | None:
    new, old = fields.integer("max_completion_tokens"), fields.integer("max_tokens")
    if new is not None and old is not None and new != old:
        fields.wrong("max_tokens", "goes by max_completion_tokens, which has another value")
    return old if new is None else new


def _stop(fields: Fields) -> list[str]:
    if isinstance(fields.values.get("stop"), str):
        return [fields.values["stop"]]
    return fields.texts("stop")


def _top_log_probabilities(fields: Fields) -> int | None:
    wanted, count = fields.flag("logprobs"), fields.integer("top_logprobs")
    if count is not None and not wanted:
        fields.wrong("top_logprobs", "needs logprobs to be true")
    return (count or 0) if wanted else None


def _read_metadata(fields: Fields, options: _Options) -> None:
    user = fields.text("user")
    end_user = user if user is not None else fields.text("safety_identifier")
    if end_user:
        options.metadata.end_user = end_user
    metadata = fields.object("metadata")
    for name in metadata.values if metadata is not None else ():
        assert metadata is not None  # noqa: S101  # it has a name
        value = metadata.text(name)
        if value is not None:
            options.metadata.tags[name] = value
