"""Drives OpenAI's Python SDK: a command per line -> what came of it.

`python openai_python.py chat` or `... responses`; needs nothing but the SDK.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openai
import pydantic

Json = dict[str, Any]
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
DESCRIPTIONS = {"weather": "Tells the weather.", "time": "Tells the time."}
INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
SAME = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "user")


class Person(pydantic.BaseModel):
    """What the JSON of a schema is read into."""

    name: str
    age: int


def main() -> None:
    """Runs commands until the input ends."""
    run = {"chat": Chat, "responses": Responses}[sys.argv[1]]
    for line in sys.stdin:
        command = json.loads(line)
        request = command["request"]
        client = openai.OpenAI(
            base_url=f"{command['base_url']}/v1",
            api_key=request.get("key", "any"),
            timeout=request.get("timeout_s", 60),
            max_retries=request.get("retries", 0),
            default_headers={"x-request-id": command["request_id"]},
        )
        shown: Json = {"text": ""}
        try:
            run(client, request, shown).run(streams=command["mode"] == "stream")
        except Exception as error:  # noqa: BLE001  # whatever a caller would see
            shown["error"] = {
                "class": type(error).__name__,
                "status": getattr(error, "status_code", None),
                "says": str(error),
            }
        sys.stdout.write(json.dumps(shown) + "\n")
        sys.stdout.flush()


class Driver:
    """One call, or the calls of a tool loop."""

    def __init__(self, client: openai.OpenAI, request: Json, shown: Json) -> None:
        self.client = client
        self.request = request
        self.shown = shown
        self.left = request.get("stop_after")
        self.arguments: Json = {"model": request.get("model", "routemoa")}
        self.arguments |= {name: request[name] for name in SAME if name in request}
        if "extra" in request:
            self.arguments["extra_body"] = request["extra"]
        if "parallel" in request:
            self.arguments["parallel_tool_calls"] = request["parallel"]

    def run(self, *, streams: bool) -> None:
        """Makes the calls."""
        if self.request.get("act") == "models":
            self.shown["models"] = [model.id for model in self.client.models.list()]
        elif self.request.get("act") == "model":
            model = self.client.models.retrieve(self.request["model"])
            self.shown["models"] = [model.id]
        elif self.request.get("loop"):
            self.call(streams=streams)
            self.add_results()
            self.shown["text"] = ""
            self.call(streams=streams)
        else:
            self.call(streams=streams)

    def call(self, *, streams: bool) -> None:
        """Makes one call."""
        raise NotImplementedError

    def add_results(self) -> None:
        """Adds the reply and the results of its calls to the request."""
        raise NotImplementedError

    def leaves(self) -> bool:
        """Counts an event with text; returns whether it is the last that is wanted."""
        if self.left is None:
            return False
        self.left -= 1
        self.shown["left"] = self.left == 0
        return bool(self.left == 0)


class Chat(Driver):
    """Chat completions."""

    def __init__(self, client: openai.OpenAI, request: Json, shown: Json) -> None:
        super().__init__(client, request, shown)
        messages = [{"role": "system", "content": request["system"]}] if "system" in request else []
        given = request.get("messages", [{"role": "user", "content": "Hi"}])
        self.arguments["messages"] = [*messages, *map(chat_message, given)]
        for name, parameter in (
            ("max_tokens", "max_completion_tokens"),
            ("stop", "stop"),
            ("effort", "reasoning_effort"),
        ):
            if name in request:
                self.arguments[parameter] = request[name]
        if "logprobs" in request:
            self.arguments |= {"logprobs": True, "top_logprobs": request["logprobs"]}
        if request.get("json_object"):
            self.arguments["response_format"] = {"type": "json_object"}
        if request.get("schema"):
            self.arguments["response_format"] = Person
        if "tools" in request:
            self.arguments["tools"] = [self.tool(name) for name in request["tools"]]
        choice = request.get("tool_choice")
        if isinstance(choice, dict):
            choice = {"type": "function", "function": choice}
        if choice:
            self.arguments["tool_choice"] = choice
        self.message: Any = None

    def tool(self, name: str) -> Json:
        """Returns a tool."""
        function: Json = {
            "name": name,
            "description": DESCRIPTIONS[name],
            "parameters": PARAMETERS,
        }
        if self.request.get("strict"):
            function["strict"] = True
        return {"type": "function", "function": function}

    def call(self, *, streams: bool) -> None:
        """Makes one call."""
        if streams:
            completion = self.stream()
            if completion is None:
                return
        elif self.request.get("schema"):
            completion = self.client.chat.completions.parse(**self.arguments)
        else:
            completion = self.client.chat.completions.create(**self.arguments)
        self.show(completion)

    def stream(self) -> Any:
        """Returns the whole completion of a stream; None if it was left."""
        options = {"include_usage": True}
        with self.client.chat.completions.stream(
            **self.arguments, stream_options=options
        ) as events:
            for event in events:
                if event.type == "content.delta":
                    self.shown["text"] += event.delta
                    if self.leaves():
                        return None
            # the SDK's own helper raises for an answer that was cut off
            snapshot = events.current_completion_snapshot
            cut_off = snapshot.choices[0].finish_reason in ("length", "content_filter")
            return snapshot if cut_off else events.get_final_completion()

    def show(self, completion: Any) -> None:
        """Records what a completion holds."""
        choice = completion.choices[0]
        self.message = message = choice.message
        usage = completion.usage
        self.shown |= {
            "text": message.content or "",
            "refusal": message.refusal or "",
            "finish": choice.finish_reason,
            "tool_calls": [
                {
                    "id": call.id,
                    "name": call.function.name,
                    "arguments": json.loads(call.function.arguments),
                }
                for call in message.tool_calls or ()
            ],
            "usage": [
                usage.prompt_tokens,
                usage.completion_tokens,
                usage.prompt_tokens_details.cached_tokens,
            ],
            "logprobs": log_probabilities(choice.logprobs and choice.logprobs.content),
            "request_id": getattr(completion, "_request_id", None),
        }
        if self.request.get("schema"):
            self.shown["parsed"] = message.parsed.model_dump()

    def add_results(self) -> None:
        """Adds the reply and the results of its calls to the request."""
        self.arguments["messages"].append(self.message.model_dump(exclude_none=True))
        for call in self.message.tool_calls:
            result = {"role": "tool", "tool_call_id": call.id, "content": result_of(call.function)}
            self.arguments["messages"].append(result)


class Responses(Driver):
    """The Responses API."""

    def __init__(self, client: openai.OpenAI, request: Json, shown: Json) -> None:
        super().__init__(client, request, shown)
        given = request.get("messages", [{"role": "user", "content": "Hi"}])
        self.arguments["input"] = [item for message in given for item in input_items(message)]
        for name, parameter in (("system", "instructions"), ("max_tokens", "max_output_tokens")):
            if name in request:
                self.arguments[parameter] = request[name]
        if "effort" in request:
            self.arguments["reasoning"] = {"effort": request["effort"]}
        if request.get("show_reasoning"):
            self.arguments["reasoning"]["summary"] = "auto"
        if "logprobs" in request:
            self.arguments["top_logprobs"] = request["logprobs"]
            self.arguments["include"] = ["message.output_text.logprobs"]
        if request.get("json_object"):
            self.arguments["text"] = {"format": {"type": "json_object"}}
        if request.get("schema"):
            self.arguments["text_format"] = Person
        if "tools" in request:
            self.arguments["tools"] = [self.tool(name) for name in request["tools"]]
        choice = request.get("tool_choice")
        if isinstance(choice, dict):
            choice = {"type": "function", **choice}
        if choice:
            self.arguments["tool_choice"] = choice
        self.output: list[Any] = []

    def tool(self, name: str) -> Json:
        """Returns a tool."""
        return {
            "type": "function",
            "name": name,
            "description": DESCRIPTIONS[name],
            "parameters": PARAMETERS,
            "strict": self.request.get("strict", False),
        }

    def call(self, *, streams: bool) -> None:
        """Makes one call."""
        if streams:
            response = self.stream()
            if response is None:
                return
        elif self.request.get("schema"):
            response = self.client.responses.parse(**self.arguments)
        else:
            response = self.client.responses.create(**self.arguments)
        self.show(response)

    def stream(self) -> Any:
        """Returns the whole response of a stream; None if it was left."""
        numbers = []
        with self.client.responses.stream(**self.arguments) as events:
            for event in events:
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    self.shown["text"] += event.delta
                    if self.leaves():
                        return None
                if event.type == "response.incomplete":
                    return event.response
            assert numbers == list(range(len(numbers))), numbers  # a test
            return events.get_final_response()

    def show(self, response: Any) -> None:
        """Records what a response holds."""
        self.output = response.output
        calls = [item for item in response.output if item.type == "function_call"]
        parts = [
            part for item in response.output if item.type == "message" for part in item.content
        ]
        refusal = "".join(part.refusal for part in parts if part.type == "refusal")
        finish = "tool_calls" if calls else "refusal" if refusal else "stop"
        if response.status == "incomplete":
            finish = INCOMPLETE[response.incomplete_details.reason]
        texts = [part for part in parts if part.type == "output_text"]
        usage = response.usage
        self.shown |= {
            "text": response.output_text,
            "refusal": refusal,
            "finish": finish,
            "tool_calls": [
                {"id": call.call_id, "name": call.name, "arguments": json.loads(call.arguments)}
                for call in calls
            ],
            "usage": [
                usage.input_tokens,
                usage.output_tokens,
                usage.input_tokens_details.cached_tokens,
            ],
            "reasoning": "".join(
                part.text
                for item in response.output
                if item.type == "reasoning"
                for part in item.summary
            ),
            "logprobs": log_probabilities([lp for part in texts for lp in part.logprobs or ()]),
            "request_id": getattr(response, "_request_id", None),
        }
        if self.request.get("schema"):
            self.shown["parsed"] = response.output_parsed.model_dump()

    def add_results(self) -> None:
        """Adds the reply and the results of its calls to the request."""
        self.arguments["input"] += [item.model_dump(exclude_none=True) for item in self.output]
        self.arguments["input"] += [
            {"type": "function_call_output", "call_id": item.call_id, "output": result_of(item)}
            for item in self.output
            if item.type == "function_call"
        ]


def result_of(call: Any) -> str:
    """Returns the result of a call to the weather."""
    return f"sunny in {json.loads(call.arguments)['city']}"


def log_probabilities(tokens: Any) -> list[Any]:
    """Returns tokens with their log probabilities and the others in their place."""
    return [
        [token.token, token.logprob, [other.token for other in token.top_logprobs]]
        for token in tokens or ()
    ]


def chat_message(message: Json) -> Json:
    """Returns a message of a chat."""
    found = dict(message)
    if isinstance(message["content"], list):
        found["content"] = [chat_part(part) for part in message["content"]]
    if "tool_calls" in message:
        found["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in message["tool_calls"]
        ]
    return found


def chat_part(part: Json) -> Json:
    """Returns a part of a message of a chat."""
    ((kind, value),) = part.items()
    if kind == "text":
        return {"type": "text", "text": value}
    if kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": value, "format": "wav"}}
    if kind == "file":
        data = f"data:application/pdf;base64,{value}"
        return {"type": "file", "file": {"file_data": data, "filename": "x.pdf"}}
    url = value if kind == "image_url" else f"data:image/png;base64,{value}"
    return {"type": "image_url", "image_url": {"url": url}}


def input_items(message: Json) -> list[Json]:
    """Returns the input items of a message."""
    content = message["content"]
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        return [{"type": "function_call_output", "call_id": call_id, "output": content}]
    if isinstance(content, list):
        content = [input_part(part) for part in content]
    calls = [
        {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
        for call_id, name, arguments in message.get("tool_calls", ())
    ]
    return [{"role": message["role"], "content": content}, *calls]


def input_part(part: Json) -> Json:
    """Returns a part of an input message."""
    ((kind, value),) = part.items()
    if kind == "text":
        return {"type": "input_text", "text": value}
    if kind == "file":
        data = f"data:application/pdf;base64,{value}"
        return {"type": "input_file", "file_data": data, "filename": "x.pdf"}
    url = value if kind == "image_url" else f"data:image/png;base64,{value}"
    return {"type": "input_image", "image_url": url, "detail": "auto"}


if __name__ == "__main__":
    main()
