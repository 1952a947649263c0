"""Drives LlamaIndex, whose client for APIs like OpenAI's is `OpenAILike`."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

from commands import Command, Person, serve
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.llms.openai_like import OpenAILike

LOOP = asyncio.new_event_loop()
"""The loop of all agents, as connections outlive a run."""


def carry_out(command: Command) -> None:
    """Has an agent or the model do what a command asks for."""
    model = _model(command)
    if command.schema:
        command.shown["parsed"] = _structured(model, command).model_dump()
    elif "tools" in command.request:
        LOOP.run_until_complete(_run_agent(model, command))
    elif command.streams:
        with closing(model.stream_chat(_messages(command))) as pieces:
            for piece in pieces:
                if command.add(piece.delta or ""):
                    return
                _show_usage(piece.raw, command)
    else:
        reply = model.chat(_messages(command))
        command.shown["text"] = reply.message.content
        _show_usage(reply.raw, command)


def _model(command: Command) -> OpenAILike:
    given = {}
    if "temperature" in command.request:
        given["temperature"] = command.request["temperature"]
    return OpenAILike(
        model=command.model,
        api_base=f"{command.base_url}/v1",
        api_key=command.request.get("key", "any"),
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=command.schema == "json",
        max_retries=command.retries,
        default_headers=command.headers,
        additional_kwargs={"stream_options": {"include_usage": True}} if command.streams else {},
        **given,
    )


def _messages(command: Command) -> list[ChatMessage]:
    system = [ChatMessage(role="system", content=command.system)] if command.system else []
    blocks: list[Any] = [TextBlock(text=command.prompt)]
    if "image" in command.request:
        blocks.append(
            ImageBlock(image=command.request["image"].encode(), image_mimetype="image/png")
        )
    return [*system, ChatMessage(role="user", blocks=blocks)]


def _structured(model: OpenAILike, command: Command) -> Any:
    prompt = PromptTemplate("{question}")
    if not command.streams:
        return model.structured_predict(Person, prompt, question=command.prompt)
    last = None
    for piece in model.stream_structured_predict(Person, prompt, question=command.prompt):
        last = piece
    return last


async def _run_agent(model: OpenAILike, command: Command) -> None:
    agent = FunctionAgent(
        llm=model,
        tools=command.tools(),
        system_prompt=command.system,
        streaming=command.streams,
        timeout=60,
    )
    handler = agent.run(command.prompt)
    async for event in handler.stream_events():
        if command.streams and isinstance(event, AgentStream):
            command.add(event.delta)
    reply = await handler
    if not command.streams:
        command.shown["text"] = reply.response.content


def _show_usage(raw: Any, command: Command) -> None:
    usage = getattr(raw, "usage", None)
    if usage is not None:
        command.shown["usage"] = [usage.prompt_tokens, usage.completion_tokens]


if __name__ == "__main__":
    serve(carry_out)
