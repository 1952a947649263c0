"""The form that a request asks of its answer: text, JSON, calls to tools. Pure.

An answer that does not keep to it is an error of its model. Answers agree if their JSON is equal, if
they make the same calls, or if their texts have the same final answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from services.answer_key import answer_key
from services.router.routing import agreement, tool_votes
from services.router.routing.agreement import Opinion
from services.router.routing.canonical_json import bare_json, canonical, with_defaults
from services.router.routing.tool_votes import NO_TOOL, Choice, Vote, tally
from services.router.types.json_text import JsonTextError, read_json
from services.router.types.options import ToolChoice, ToolChoiceMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.router.types.json_text import JsonValue
    from services.router.types.messages import ToolCall
    from services.router.types.options import GenerationOptions, JsonFormat

    Score = Callable[[str], float]
    """Returns the score of a model by its id."""

_REFUSED = "\0refused"
"""The final answer of all refusals; no text has it."""


class Schema(Protocol):
    """A compiled JSON schema."""

    @property
    def document(self) -> dict[str, Any]:
        """The schema as it was read."""
        ...

    def problems(self, value: JsonValue) -> list[str]:
        """Returns what is wrong with a value, without its content; nothing if it is valid."""
        ...


class Written(Protocol):
    """The parts of an answer that its form concerns."""

    @property
    def model_id(self) -> str:
        """The model that wrote it."""
        ...

    @property
    def text(self) -> str:
        """The text; empty with a refusal."""
        ...

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls to tools."""
        ...

    @property
    def refusal(self) -> str:
        """The words of a refusal."""
        ...


class AnswerForm:
    """The form of the answers to one request.

    Args:
        options: The caller's wishes; their schemas are valid.
        compile_schema: Returns the compiled schema of a text.
    """

    def __init__(self, options: GenerationOptions, compile_schema: Callable[[str], Schema]) -> None:
        self._compile_schema = compile_schema
        self._format = options.json_format
        self._tools = {
            tool.name: _ToolForm(tool.parameters_json, compile_schema) for tool in options.tools
        }
        self._choice = options.tool_choice or ToolChoice()
        self._one_call = options.parallel_tool_calls is False

    @property
    def is_free(self) -> bool:
        """True if every text is a valid answer, and no tool can be called."""
        return self._format is None and not self._tools

    @property
    def has_tools(self) -> bool:
        """True if an answer may call tools."""
        return bool(self._tools)

    @property
    def checks_text(self) -> bool:
        """True if a text may turn out to be no valid answer."""
        return self._format is not None or self._needs_tool

    def has_tool(self, name: str) -> bool:
        """Returns whether an answer may call a tool of that name."""
        return name in self._tools and self._choice.mode is not ToolChoiceMode.NONE

    def normal(
        self, text: str, tool_calls: tuple[ToolCall, ...]
    ) -> tuple[str, tuple[ToolCall, ...]]:
        """Returns the text without code fences around JSON, and the calls with arguments in all."""
        calls = tuple(
            call if call.arguments_json.strip() else replace(call, arguments_json="{}")
            for call in tool_calls
        )
        return (text if self._format is None or calls else bare_json(text)), calls

    def problems(self, answer: Written) -> tuple[str, ...]:
        """Returns what is wrong with an answer; empty if it is valid. A refusal always is."""
        if answer.refusal:
            return ()
        if answer.tool_calls:
            return tuple(self._call_problems(answer.tool_calls))
        if self._needs_tool:
            return ("calls no tool, although a call is required",)
        return () if self._format is None else tuple(self._text_problems(answer.text, self._format))

    def choice(self, answer: Written) -> str:
        """Returns the calls of a valid answer in a form that can be compared."""
        calls = sorted(
            canonical([call.name, self._tools[call.name].arguments(call)])
            for call in answer.tool_calls
        )
        return f"[{','.join(calls)}]" if calls else NO_TOOL

    def choices(self, answers: Sequence[Written], score: Score) -> tuple[Choice, ...]:
        """Returns the choices among tools, likeliest first; empty if no answer calls any."""
        return tally(self._votes(answers, score)) if _calls_any(answers) else ()

    def keys(self, answers: Sequence[Written]) -> tuple[str | None, ...]:
        """Returns the final value of each answer; equal ones agree, and None agrees with nothing.

        If any answer calls a tool, this is the choice of each.
        """
        if _calls_any(answers):
            return tuple(map(self.choice, answers))
        return tuple(map(self._text_key, answers))

    def agreeing(self, answers: Sequence[Written]) -> tuple[int, ...]:
        """Returns the indices of the answers that agree with the first, or have the same words."""
        keys = self.keys(answers)
        if _calls_any(answers) or self._format is not None:
            return tuple(index for index, key in enumerate(keys) if key == keys[0])
        return agreement.agreeing([answer.text for answer in answers], keys)

    def agree(self, answers: Sequence[Written]) -> bool:
        """Returns whether there are at least two answers and all of them agree."""
        return len(answers) > 1 and len(self.agreeing(answers)) == len(answers)

    def opinions(self, answers: Sequence[Written], score: Score) -> list[Opinion]:
        """Returns the opinion of each answer, with the score of its model."""
        return [
            Opinion(model_id=answer.model_id, score=score(answer.model_id), final_answer=key)
            for answer, key in zip(answers, self.keys(answers), strict=True)
        ]

    def chances(self, answers: Sequence[Written], score: Score) -> dict[str, float]:
        """Returns by model the probability that its answer is right."""
        if not _calls_any(answers):
            return agreement.posteriors(self.opinions(answers, score))
        return {
            answers[voter].model_id: choice.chance
            for choice in self.choices(answers, score)
            for voter in choice.voters
        }

    def is_settled(
        self, answers: Sequence[Written], score: Score, pending: Sequence[float]
    ) -> bool:
        """Returns whether the answers have a majority that pending models cannot overturn.

        Args:
            answers: The answers so far.
            score: The score of each model.
            pending: The scores of the models that have not answered yet.
        """
        if _calls_any(answers):
            return tool_votes.is_settled(self._votes(answers, score), pending)
        return agreement.has_settled_majority(self.opinions(answers, score), pending)

    @property
    def _needs_tool(self) -> bool:
        return self._choice.mode in {ToolChoiceMode.REQUIRED, ToolChoiceMode.TOOL}

    def _votes(self, answers: Sequence[Written], score: Score) -> list[Vote]:
        return [Vote(choice=self.choice(a), score=score(a.model_id)) for a in answers]

    def _text_key(self, answer: Written) -> str | None:
        if answer.refusal:
            return _REFUSED
        return answer_key(answer.text) if self._format is None else _json_key(answer.text)

    def _call_problems(self, calls: Sequence[ToolCall]) -> list[str]:
        if self._choice.mode is ToolChoiceMode.NONE:
            return ["calls a tool, although none may be called"]
        problems: list[str] = []
        if self._one_call and len(calls) > 1:
            problems.append("calls more than one tool at once")
        for call in calls:
            tool = self._tools.get(call.name)
            if tool is None:
                problems.append(f"calls the tool {call.name!r}, which does not exist")
            elif self._choice.mode is ToolChoiceMode.TOOL and call.name != self._choice.tool_name:
                problems.append(f"calls the tool {call.name!r} instead of the required one")
            else:
                problems += tool.problems(call)
        return problems

    def _text_problems(self, text: str, json_format: JsonFormat) -> list[str]:
        try:
            value = read_json(text)
        except JsonTextError as error:
            return [str(error)]
        if not json_format.schema_json:
            return [] if isinstance(value, dict) else ["is no JSON object"]
        return list(self._schema.problems(value))

    @cached_property
    def _schema(self) -> Schema:
        assert self._format is not None  # noqa: S101  # only JSON has a schema
        return self._compile_schema(self._format.schema_json)


class _ToolForm:
    """The form of the arguments of one tool; its schema is compiled when it is needed."""

    def __init__(self, parameters_json: str, compile_schema: Callable[[str], Schema]) -> None:
        self._parameters_json = parameters_json
        self._compile_schema = compile_schema

    def problems(self, call: ToolCall) -> list[str]:
        try:
            value = read_json(call.arguments_json)
        except JsonTextError as error:
            return [f"the arguments of {call.name!r}: {error}"]
        if not isinstance(value, dict):
            return [f"the arguments of {call.name!r} are no JSON object"]
        if self._schema is None:
            return []
        return [f"the arguments of {call.name!r}: {each}" for each in self._schema.problems(value)]

    def arguments(self, call: ToolCall) -> JsonValue:
        """Returns the arguments of a valid call, with the defaults of the schema."""
        schema = None if self._schema is None else self._schema.document
        return with_defaults(read_json(call.arguments_json), schema)

    @cached_property
    def _schema(self) -> Schema | None:
        return self._compile_schema(self._parameters_json) if self._parameters_json else None


def _calls_any(answers: Sequence[Written]) -> bool:
    return any(answer.tool_calls for answer in answers)


def _json_key(text: str) -> str | None:
    try:
        return canonical(read_json(text))
    except JsonTextError:
        return None
