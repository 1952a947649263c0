"""The body of a request, as OpenAI's API has it -> the call that it describes."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.simulator.call import Call, Message, Options, Tool, ToolCall, read_call


class _FunctionBody(BaseModel):
    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    arguments: str = ""


class _ToolBody(BaseModel):
    id: str = ""
    type: Literal["function"] = "function"
    function: _FunctionBody


class _PartBody(BaseModel):
    type: str
    text: str = ""
    image_url: dict[str, str] = {}
    input_audio: dict[str, str] = {}
    file: dict[str, str] = {}

    @property
    def medium(self) -> str:
        """The kind of the medium and where it comes from; empty for text."""
        if self.type == "text":
            return ""
        kind = self.type.removesuffix("_url").removeprefix("input_")
        url = self.image_url.get("url") or self.file.get("file_data", "")
        source = url.partition(";")[0] if url.startswith("data:") else url
        return f"{kind} {source or self.input_audio.get('format', '')}".strip()


class _MessageBody(BaseModel):
    role: str
    content: str | list[_PartBody] | None = None
    tool_calls: list[_ToolBody] = []
    tool_call_id: str = ""

    @property
    def message(self) -> Message:
        """The turn of the conversation."""
        parts = self.content if isinstance(self.content, list) else []
        text = self.content if isinstance(self.content, str) else "".join(p.text for p in parts)
        return Message(
            role=self.role,
            content=text,
            media=tuple(part.medium for part in parts if part.medium),
            tool_calls=tuple(
                ToolCall(name=c.function.name, arguments=c.function.arguments, id=c.id)
                for c in self.tool_calls
            ),
            tool_call_id=self.tool_call_id,
        )


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _JsonSchema(BaseModel):
    name: str
    schema_: dict[str, Any] = Field(default={}, alias="schema")


class _ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _NamedTool(BaseModel):
    function: _FunctionBody


class RequestBody(BaseModel):
    """The part of OpenAI's request that changes the reply; the rest is ignored."""

    model: str
    messages: list[_MessageBody] = Field(min_length=1)
    stream: bool = False
    stream_options: _StreamOptions = _StreamOptions()
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """OpenAI's newer name of the limit."""
    continue_final_message: bool = False
    """vLLM's: the last message is the start of the reply, which continues it."""
    stop: str | list[str] = []
    n: int = Field(default=1, ge=1, le=8)
    seed: int | None = None
    tools: list[_ToolBody] = []
    tool_choice: Literal["auto", "none", "required"] | _NamedTool = "auto"
    parallel_tool_calls: bool = True
    response_format: _ResponseFormat | None = None
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)
    reasoning_effort: str = ""

    @property
    def token_limit(self) -> int | None:
        """The most tokens of the reply."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stop_sequences(self) -> tuple[str, ...]:
        """The texts that end the reply."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    @property
    def prompt(self) -> str:
        """All that the model reads, as one text that grows at its end from turn to turn."""
        tools = [tool.model_dump() for tool in self.tools]
        messages = [message.model_dump() for message in self.messages]
        return "\n".join(json.dumps(item) for item in (*tools, *messages))

    def call(self) -> tuple[Call, str]:
        """Returns the call, and the start of its reply that the caller already has."""
        messages = [body.message for body in self.messages]
        partial = messages.pop().content if self.continue_final_message else ""
        return read_call(self.model, messages, self._options), partial

    @property
    def _options(self) -> Options:
        form, choice = self.response_format, self.tool_choice
        schema: dict[str, Any] | None = None
        if form is not None and form.type != "text":
            schema = form.json_schema.schema_ if form.json_schema else {"type": "object"}
        return Options(
            tools=tuple(
                Tool(
                    name=tool.function.name,
                    description=tool.function.description,
                    parameters=tool.function.parameters,
                )
                for tool in self.tools
            ),
            tool_choice=choice if isinstance(choice, str) else f"={choice.function.name}",
            parallel_tool_calls=self.parallel_tool_calls,
            json_schema=schema,
            seed=self.seed,
            reasoning_effort=self.reasoning_effort,
        )
