"""Drives Instructor, which asks for JSON of a schema, and again if it does not fit."""

from __future__ import annotations

import instructor
import openai
from commands import Command, Person, serve

MODES = {"json": instructor.Mode.JSON_SCHEMA, "tool": instructor.Mode.TOOLS}


def carry_out(command: Command) -> None:
    """Has a person made of the answer."""
    sdk = openai.OpenAI(
        base_url=f"{command.base_url}/v1",
        api_key=command.request.get("key", "any"),
        max_retries=command.retries,
        default_headers=command.headers,
    )
    client = instructor.from_openai(sdk, mode=MODES[command.schema or "tool"])
    system = [{"role": "system", "content": command.system}] if command.system else []
    arguments = {
        "model": command.model,
        "messages": [*system, {"role": "user", "content": command.prompt}],
        "max_retries": 1,
    }
    if "temperature" in command.request:
        arguments["temperature"] = command.request["temperature"]
    if command.streams:
        person = None
        for piece in client.create_partial(response_model=Person, **arguments):
            person = piece
    else:
        person, completion = client.create_with_completion(response_model=Person, **arguments)
        usage = completion.usage
        command.shown["usage"] = [usage.prompt_tokens, usage.completion_tokens]
    command.shown["parsed"] = person and person.model_dump()


if __name__ == "__main__":
    serve(carry_out)
