"""Reads the caller's wishes for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import generation_pb2 as pb
from services.router.contract.limits import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_OUTPUT_TOKENS,
    MAX_STOP_CHARACTERS,
    MAX_STOP_SEQUENCES,
    MAX_TAG_NAME_CHARACTERS,
    MAX_TAG_VALUE_CHARACTERS,
    MAX_TAGS,
    MAX_TOP_LOG_PROBABILITIES,
)
from services.router.contract.tools import check_tool_name, read_tool_choice, read_tools
from services.router.types.json_schema import SchemaError, compile_schema
from services.router.types.options import (
    NO_OPTIONS,
    GenerationOptions,
    JsonFormat,
    ReasoningEffort,
)

if TYPE_CHECKING:
    from services.rpc.validation import Violations

_EFFORTS = {
    pb.REASONING_EFFORT_NONE: ReasoningEffort.NONE,
    pb.REASONING_EFFORT_MINIMAL: ReasoningEffort.MINIMAL,
    pb.REASONING_EFFORT_LOW: ReasoningEffort.LOW,
    pb.REASONING_EFFORT_MEDIUM: ReasoningEffort.MEDIUM,
    pb.REASONING_EFFORT_HIGH: ReasoningEffort.HIGH,
}
_BOUNDS = {
    "max_output_token_count": (1, MAX_OUTPUT_TOKENS),
    "temperature": (0, 2),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_log_probability_count": (0, MAX_TOP_LOG_PROBABILITIES),
}
"""The least and the greatest value of each number."""
_ONE_MODEL = "single"
"""The strategy whose answer is one model's reply as it is."""


def read_options(
    message: pb.GenerationOptions, strategy: str, violations: Violations
) -> GenerationOptions:
    """Returns the options; records their violations.

    Args:
        message: The message.
        strategy: The name of the strategy that will answer.
        violations: The violations so far.
    """
    if not message.ListFields():
        return NO_OPTIONS  # as of most requests
    has = message.HasField
    _check_numbers(message, violations)
    _check_stop_sequences(message, violations)
    _check_combinations(message, strategy, violations)
    _check_metadata(message.metadata, violations)
    tools = read_tools("options.tools", message.tools, violations)
    choice = None
    if has("tool_choice"):
        field = "options.tool_choice"
        choice = read_tool_choice(field, message.tool_choice, message.tools, violations)
    return GenerationOptions(
        max_output_tokens=(
            message.max_output_token_count if has("max_output_token_count") else None
        ),
        temperature=message.temperature if has("temperature") else None,
        top_p=message.top_p if has("top_p") else None,
        stop_sequences=tuple(message.stop_sequences),
        seed=message.seed if has("seed") else None,
        frequency_penalty=message.frequency_penalty if has("frequency_penalty") else None,
        presence_penalty=message.presence_penalty if has("presence_penalty") else None,
        reasoning_effort=_read_effort(message.reasoning_effort, violations),
        include_reasoning=message.include_reasoning,
        json_format=_read_format(message.response_format, violations),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=message.parallel_tool_calls if has("parallel_tool_calls") else None,
        top_log_probabilities=(
            message.top_log_probability_count if has("top_log_probability_count") else None
        ),
        end_user=message.metadata.end_user,
        session_id=message.metadata.session_id,
        tags=dict(message.metadata.tags),
    )


def _check_numbers(message: pb.GenerationOptions, violations: Violations) -> None:
    for field, value in message.ListFields():
        if field.name in _BOUNDS:
            violations.within(f"options.{field.name}", value, *_BOUNDS[field.name])
    if message.HasField("top_p") and not 0 < message.top_p <= 1:
        violations.add("options.top_p", f"must be in (0, 1], is {message.top_p:g}")


def _check_stop_sequences(message: pb.GenerationOptions, violations: Violations) -> None:
    sequences = message.stop_sequences
    violations.length("options.stop_sequences", sequences, 0, MAX_STOP_SEQUENCES)
    for number, text in enumerate(sequences[:MAX_STOP_SEQUENCES]):
        if not 1 <= len(text) <= MAX_STOP_CHARACTERS:
            field = f"options.stop_sequences[{number}]"
            violations.add(
                field, f"must have 1 to {MAX_STOP_CHARACTERS} characters, has {len(text):,}"
            )


def _check_combinations(
    message: pb.GenerationOptions, strategy: str, violations: Violations
) -> None:
    if message.HasField("parallel_tool_calls") and not message.tools:
        violations.add("options.parallel_tool_calls", "needs tools")
    if strategy == _ONE_MODEL:
        return
    needs_one = f"needs the strategy {_ONE_MODEL}, is asked for with {strategy}"
    if message.HasField("top_log_probability_count"):
        violations.add("options.top_log_probability_count", needs_one)
    if message.include_reasoning:
        violations.add("options.include_reasoning", needs_one)


def _check_metadata(metadata: pb.RequestMetadata, violations: Violations) -> None:
    field = "options.metadata"
    for name in ("end_user", "session_id"):
        if len(getattr(metadata, name)) > MAX_NAME_CHARACTERS:
            violations.add(f"{field}.{name}", f"must have at most {MAX_NAME_CHARACTERS} characters")
    violations.length(f"{field}.tags", metadata.tags, 0, MAX_TAGS)
    for name, value in metadata.tags.items():
        if not 1 <= len(name) <= MAX_TAG_NAME_CHARACTERS:
            text = f"must have names of 1 to {MAX_TAG_NAME_CHARACTERS} characters"
            violations.add(f"{field}.tags", text)
        if len(value) > MAX_TAG_VALUE_CHARACTERS:
            text = f"must have values of at most {MAX_TAG_VALUE_CHARACTERS} characters"
            violations.add(f"{field}.tags", text)


def _read_effort(
    value: pb.ReasoningEffort.ValueType, violations: Violations
) -> ReasoningEffort | None:
    if value and value not in _EFFORTS:
        violations.add("options.reasoning_effort", f"must be a known effort, is {value}")
    return _EFFORTS.get(value)


def _read_format(message: pb.ResponseFormat, violations: Violations) -> JsonFormat | None:
    name = message.WhichOneof("format")
    if name is None:
        return None
    if name == "json_object":
        return JsonFormat()
    schema = message.json_schema
    field = "options.response_format.json_schema"
    check_tool_name(f"{field}.name", schema.name, violations)
    if len(schema.description) > MAX_DESCRIPTION_CHARACTERS:
        text = f"must have at most {MAX_DESCRIPTION_CHARACTERS:,} characters"
        violations.add(f"{field}.description", text)
    try:
        compile_schema(schema.schema_json)
    except SchemaError as error:
        violations.add(f"{field}.schema_json", str(error))
    return JsonFormat(
        schema_json=schema.schema_json,
        name=schema.name,
        description=schema.description,
        strict=schema.strict if schema.HasField("strict") else None,
    )
