"""Drives Anthropic's Python SDK: a command per line -> what came of it.

Needs nothing but the SDK.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anthropic
import pydantic

Json = dict[str, Any]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
DESCRIPTIONS = {"weather": "Tells the weather.", "time": "Tells the time."}
FINISHES = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
CHOICES = {"required": "any"}
TYPES = {"image": "image/png", "file": "application/pdf"}


class Person(pydantic.BaseModel):
    """What the JSON of a schema is read into."""

    name: str
    age: int


def main() -> None:
    """Runs commands until the input ends."""
    for line in sys.stdin:
        command = json.loads(line)
        request = command["request"]
        client = anthropic.Anthropic(
            base_url=command["base_url"],
            api_key=request.get("key", "any"),
            timeout=request.get("timeout_s", 60),
            max_retries=request.get("retries", 0),
            default_headers={"x-request-id": command["request_id"]},
        )
        shown: Json = {"text": ""}
        try:
            Messages(client, request, shown).run(streams=command["mode"] == "stream")
        except Exception as error:  # noqa: BLE001  # whatever a caller would see
            shown["error"] = {
                "class": type(error).__name__,
                "status": getattr(error, "status_code", None),
                "says": str(error),
            }
        sys.stdout.write(json.dumps(shown) + "\n")
        sys.stdout.flush()


class Messages:
    """One call, or the calls of a tool loop."""

    def __init__(self, client: anthropic.Anthropic, request: Json, shown: Json) -> None:
        self.client = client
        self.request = request
        self.shown = shown
        self.left = request.get("stop_after")
        given = request.get("messages", [{"role": "user", "content": "Hi"}])
        extra = dict(request.get("extra", {}))
        # parameters that the SDK no longer names, and the API still takes
        extra |= {name: request[name] for name in ("temperature", "top_p") if name in request}
        self.arguments: Json = {
            "model": request.get("model", "routemoa"),
            "max_tokens": request.get("max_tokens", 1024),
            "messages": messages(given),
            "extra_body": extra,
        }
        for name, parameter in (("system", "system"), ("stop", "stop_sequences")):
            if name in request:
                self.arguments[parameter] = request[name]
        if "user" in request:
            self.arguments["metadata"] = {"user_id": request["user"]}
        if "effort" in request:
            self.arguments["output_config"] = {"effort": request["effort"]}
        if request.get("show_reasoning"):
            self.arguments["thinking"] = {"type": "adaptive", "display": "summarized"}
        if request.get("schema"):
            self.arguments["output_format"] = Person
        if "tools" in request:
            self.arguments["tools"] = [self.tool(name) for name in request["tools"]]
        if "tool_choice" in request:
            self.arguments["tool_choice"] = self.choice(request["tool_choice"])
        self.content: list[Any] = []

    def tool(self, name: str) -> Json:
        """Returns a tool."""
        tool = {"name": name, "description": DESCRIPTIONS[name], "input_schema": PARAMETERS}
        return {**tool, "strict": True} if self.request.get("strict") else tool

    def choice(self, given: Any) -> Json:
        """Returns the choice among the tools."""
        if isinstance(given, dict):
            return {"type": "tool", **given}
        choice = {"type": CHOICES.get(given, given)}
        if "parallel" in self.request:
            choice["disable_parallel_tool_use"] = not self.request["parallel"]
        return choice

    def run(self, *, streams: bool) -> None:
        """Makes the calls."""
        self.call(streams=streams)
        if self.request.get("loop"):
            self.add_results()
            self.shown["text"] = ""
            self.call(streams=streams)

    def call(self, *, streams: bool) -> None:
        """Makes one call."""
        if streams:
            message = self.stream()
            if message is None:
                return
        elif self.request.get("schema"):
            message = self.client.messages.parse(**self.arguments)
        else:
            message = self.client.messages.create(**self.arguments)
        self.show(message)

    def stream(self) -> Any:
        """Returns the whole message of a stream; None if it was left."""
        with self.client.messages.stream(**self.arguments) as events:
            for text in events.text_stream:
                self.shown["text"] += text
                if self.left is not None:
                    self.left -= 1
                    self.shown["left"] = self.left == 0
                    if self.left == 0:
                        return None
            return events.get_final_message()

    def show(self, message: Any) -> None:
        """Records what a message holds."""
        self.content = message.content
        usage = message.usage
        details = message.stop_details
        cached = usage.cache_read_input_tokens or 0
        written = usage.cache_creation_input_tokens or 0
        self.shown |= {
            "text": "".join(block.text for block in message.content if block.type == "text"),
            "refusal": (details and details.explanation) or "",
            "finish": FINISHES.get(message.stop_reason, message.stop_reason),
            "tool_calls": [
                {"id": block.id, "name": block.name, "arguments": block.input}
                for block in message.content
                if block.type == "tool_use"
            ],
            "usage": [usage.input_tokens + cached + written, usage.output_tokens, cached],
            "reasoning": "".join(
                block.thinking for block in message.content if block.type == "thinking"
            ),
            "request_id": getattr(message, "_request_id", None),
        }
        if self.request.get("schema"):
            self.shown["parsed"] = message.parsed_output.model_dump()

    def add_results(self) -> None:
        """Adds the reply and the results of its calls to the request."""
        blocks = [block.model_dump(exclude_none=True) for block in self.content]
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": f"sunny in {block.input['city']}",
            }
            for block in self.content
            if block.type == "tool_use"
        ]
        self.arguments["messages"] += [
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": results},
        ]


def messages(given: list[Json]) -> list[Json]:
    """Returns messages; results of tools that follow one another are one message of the user."""
    found: list[Json] = []
    for message in given:
        if message["role"] == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": message["content"],
            }
            if found[-1]["role"] == "user":
                found[-1]["content"].append(result)
            else:
                found.append({"role": "user", "content": [result]})
        else:
            found.append({"role": message["role"], "content": blocks(message)})
    return found


def blocks(message: Json) -> Any:
    """Returns the content of a message."""
    content = message["content"]
    if isinstance(content, list):
        return [block(part) for part in content]
    if "tool_calls" not in message:
        return content
    calls = [
        {"type": "tool_use", "id": call_id, "name": name, "input": json.loads(arguments)}
        for call_id, name, arguments in message["tool_calls"]
    ]
    return [{"type": "text", "text": content}, *calls]


def block(part: Json) -> Json:
    """Returns a block of a message."""
    ((kind, value),) = part.items()
    if kind == "text":
        return {"type": "text", "text": value}
    if kind == "image_url":
        return {"type": "image", "source": {"type": "url", "url": value}}
    source = {"type": "base64", "media_type": TYPES[kind], "data": value}
    return {"type": "document" if kind == "file" else "image", "source": source}


if __name__ == "__main__":
    main()
