"""The caller's wishes for the answer: sampling, its form, and tools."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet


class Capability(enum.Enum):
    """An ability that not every model has; documented in the contract's enum of the same name."""

    TOOLS = "tools"
    PARALLEL_TOOLS = "parallel_tools"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    IMAGES = "images"
    AUDIO = "audio"
    FILES = "files"
    LOG_PROBABILITIES = "log_probabilities"
    REASONING = "reasoning"


def in_order(capabilities: Iterable[Capability]) -> tuple[Capability, ...]:
    """Returns capabilities in the order of the contract."""
    given = set(capabilities)
    return tuple(capability for capability in Capability if capability in given)


class ReasoningEffort(enum.Enum):
    """The amount of reasoning, as OpenAI-compatible APIs spell it."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ToolChoiceMode(enum.Enum):
    """The rule by which a model asks for a tool."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may ask for."""

    name: str
    description: str = ""
    parameters_json: str = ""
    """The JSON schema of the arguments; empty if there are none."""
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChoice:
    """The rule for the choice of a tool, and the tool if the rule names one."""

    mode: ToolChoiceMode = ToolChoiceMode.AUTO
    tool_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFormat:
    """A JSON answer: any object, or a value that a schema describes."""

    schema_json: str = ""
    """The JSON schema; empty for any object."""
    name: str = ""
    description: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOptions:
    """Options of a call to a model. None or empty: the model's own default."""

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    include_reasoning: bool = False
    """True if the caller reads the reasoning."""
    json_format: JsonFormat | None = None
    """The form of the answer; None for text."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    top_log_probabilities: int | None = None
    """Alternatives per token; None without log probabilities."""
    end_user: str = ""
    session_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def within(self, abilities: AbstractSet[Capability]) -> GenerationOptions:
        """Returns the options for a model: without hints that it has no use for and may refuse."""
        unfit: dict[str, Any] = {}
        if self.reasoning_effort is not None and Capability.REASONING not in abilities:
            unfit["reasoning_effort"] = None
        if self.parallel_tool_calls is not None and Capability.PARALLEL_TOOLS not in abilities:
            unfit["parallel_tool_calls"] = None
        if self.tools and Capability.TOOLS not in abilities:  # the choice among them is none
            unfit |= {"tools": (), "tool_choice": None, "parallel_tool_calls": None}
        return replace(self, **unfit) if unfit else self


NO_OPTIONS = GenerationOptions()
"""Everything at the model's defaults."""
