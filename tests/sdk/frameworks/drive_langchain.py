"""Drives LangChain: `python drive_langchain.py chat`, `... responses` or `... messages`."""

from __future__ import annotations

import sys
from typing import Any

from commands import Command, Person, serve
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

METHODS = {"json": "json_schema", "tool": "function_calling"}


def carry_out(command: Command) -> None:
    """Has an agent or the model do what a command asks for."""
    model = _model(command)
    messages = [*_instructions(command), _question(command)]
    if command.schema:
        structured = model.with_structured_output(Person, method=METHODS[command.schema])
        command.shown["parsed"] = _last(structured, messages, command).model_dump()
    elif "tools" in command.request:
        _run_agent(create_agent(model, tools=command.tools()), messages, command)
    elif command.streams:
        _stream(model, messages, command)
    else:
        _show(model.invoke(messages), command)


def _model(command: Command) -> Any:
    common: dict[str, Any] = {
        "model": command.model,
        "api_key": command.request.get("key", "any"),
        "max_retries": command.retries,
        "default_headers": command.headers,
    }
    if "temperature" in command.request:
        common["temperature"] = command.request["temperature"]
    if sys.argv[1] == "messages":
        return ChatAnthropic(base_url=command.base_url, max_tokens=1024, **common)
    return ChatOpenAI(
        base_url=f"{command.base_url}/v1",
        use_responses_api=sys.argv[1] == "responses",
        stream_usage=True,
        **common,
    )


def _instructions(command: Command) -> list[SystemMessage]:
    return [SystemMessage(command.system)] if command.system else []


def _question(command: Command) -> HumanMessage:
    if "image" not in command.request:
        return HumanMessage(command.prompt)
    image = {"type": "image", "base64": command.request["image"], "mime_type": "image/png"}
    return HumanMessage(content_blocks=[{"type": "text", "text": command.prompt}, image])


def _last(structured: Any, messages: list[Any], command: Command) -> Any:
    """Returns the whole answer; of a stream, the last piece, which holds all."""
    if not command.streams:
        return structured.invoke(messages)
    last = None
    for piece in structured.stream(messages):
        last = piece
    return last


def _run_agent(agent: Any, messages: list[Any], command: Command) -> None:
    if not command.streams:
        _show(agent.invoke({"messages": messages})["messages"][-1], command)
        return
    for piece, _ in agent.stream({"messages": messages}, stream_mode="messages"):
        if isinstance(piece, AIMessageChunk):
            command.add(piece.text)
    # text before a call belongs to an earlier turn


def _stream(model: Any, messages: list[Any], command: Command) -> None:
    whole = None
    for piece in model.stream(messages):
        whole = piece if whole is None else whole + piece
        if command.add(piece.text):
            return
    _show(whole, command)


def _show(message: Any, command: Command) -> None:
    usage = message.usage_metadata
    command.shown |= {
        "text": message.text,
        "usage": [usage["input_tokens"], usage["output_tokens"]],
    }


if __name__ == "__main__":
    serve(carry_out)
