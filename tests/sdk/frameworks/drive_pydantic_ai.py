"""Drives Pydantic AI: `python drive_pydantic_ai.py chat` or `... responses`."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Any

from commands import Command, Person, serve
from openai import AsyncOpenAI
from pydantic_ai import Agent, BinaryContent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

MODELS = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}
OUTPUTS = {"json": NativeOutput(Person), "tool": ToolOutput(Person)}


def carry_out(command: Command) -> None:
    """Has an agent do what a command asks for."""
    asyncio.run(_run(command))


async def _run(command: Command) -> None:
    client = AsyncOpenAI(
        base_url=f"{command.base_url}/v1",
        api_key=command.request.get("key", "any"),
        max_retries=command.retries,
        default_headers=command.headers,
    )
    settings = {}
    if "temperature" in command.request:
        settings["temperature"] = command.request["temperature"]
    output: Any = OUTPUTS[command.schema] if command.schema else str
    async with client:
        agent = Agent(
            MODELS[sys.argv[1]](command.model, provider=OpenAIProvider(openai_client=client)),
            instructions=command.system,
            output_type=output,
            tools=command.tools(),
            model_settings=settings,
        )
        if command.streams:
            await _stream(agent, command)
        else:
            _show(await agent.run(_prompt(command)), command)


def _prompt(command: Command) -> Any:
    if "image" not in command.request:
        return command.prompt
    data = base64.b64decode(command.request["image"])
    return [command.prompt, BinaryContent(data=data, media_type="image/png")]


async def _stream(agent: Any, command: Command) -> None:
    async with agent.run_stream(_prompt(command)) as run:
        if command.schema:
            command.shown["parsed"] = (await run.get_output()).model_dump()
            return
        async for text in run.stream_text(delta=True, debounce_by=None):
            if command.add(text):
                return
        _show_usage(run.usage, command)


def _show(result: Any, command: Command) -> None:
    if command.schema:
        command.shown["parsed"] = result.output.model_dump()
    else:
        command.shown["text"] = result.output
    _show_usage(result.usage, command)


def _show_usage(usage: Any, command: Command) -> None:
    usage = usage() if callable(usage) else usage
    command.shown["usage"] = [usage.input_tokens, usage.output_tokens]


if __name__ == "__main__":
    serve(carry_out)
