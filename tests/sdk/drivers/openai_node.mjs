// Drives OpenAI's Node SDK: a command per line of standard input -> what came of it.
// `node openai_node.mjs FOLDER chat` or `... responses`; FOLDER is where the SDK is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { OpenAI } = require("openai");

const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const SCHEMA = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const DESCRIPTIONS = { weather: "Tells the weather.", time: "Tells the time." };
const INCOMPLETE = { max_output_tokens: "length", content_filter: "content_filter" };
const SAME = ["temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "user"];

const resultOf = (text) => `sunny in ${JSON.parse(text).city}`;
const logProbabilities = (tokens) =>
  (tokens ?? []).map((t) => [t.token, t.logprob, t.top_logprobs.map((other) => other.token)]);

function commonArguments(request) {
  const found = { model: request.model ?? "routemoa", ...request.extra };
  for (const name of SAME) if (name in request) found[name] = request[name];
  if ("parallel" in request) found.parallel_tool_calls = request.parallel;
  return found;
}

function left(request, shown) {
  if (!request.stop_after) return false;
  shown.pieces = (shown.pieces ?? 0) + 1;
  shown.left = shown.pieces === request.stop_after;
  return shown.left;
}

class Chat {
  constructor(client, request, shown) {
    Object.assign(this, { client, request, shown });
    const given = request.messages ?? [{ role: "user", content: "Hi" }];
    this.arguments = {
      ...commonArguments(request),
      messages: [
        ...(request.system ? [{ role: "system", content: request.system }] : []),
        ...given.map(chatMessage),
      ],
    };
    const names = [
      ["max_tokens", "max_completion_tokens"],
      ["stop", "stop"],
      ["effort", "reasoning_effort"],
    ];
    for (const [name, parameter] of names)
      if (name in request) this.arguments[parameter] = request[name];
    if ("logprobs" in request)
      Object.assign(this.arguments, { logprobs: true, top_logprobs: request.logprobs });
    if (request.json_object) this.arguments.response_format = { type: "json_object" };
    if (request.schema)
      this.arguments.response_format = {
        type: "json_schema",
        json_schema: { name: "person", schema: SCHEMA, strict: true },
      };
    if (request.tools)
      this.arguments.tools = request.tools.map((name) => ({
        type: "function",
        function: {
          name,
          description: DESCRIPTIONS[name],
          parameters: PARAMETERS,
          ...(request.strict ? { strict: true } : {}),
        },
      }));
    if (request.tool_choice)
      this.arguments.tool_choice = request.tool_choice.name
        ? { type: "function", function: request.tool_choice }
        : request.tool_choice;
  }

  async call(streams) {
    if (!streams) return this.show(await this.client.chat.completions.create(this.arguments));
    const stream = this.client.chat.completions.stream({
      ...this.arguments,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content;
      if (text) {
        this.shown.text += text;
        if (left(this.request, this.shown)) return;
      }
    }
    this.show(await stream.finalChatCompletion());
  }

  show(completion) {
    const { message, finish_reason, logprobs } = completion.choices[0];
    this.message = message;
    Object.assign(this.shown, {
      text: message.content ?? "",
      refusal: message.refusal ?? "",
      finish: finish_reason,
      tool_calls: (message.tool_calls ?? []).map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments),
      })),
      usage: [
        completion.usage.prompt_tokens,
        completion.usage.completion_tokens,
        completion.usage.prompt_tokens_details.cached_tokens,
      ],
      logprobs: logProbabilities(logprobs?.content),
      request_id: completion._request_id,
    });
    if (this.request.schema) this.shown.parsed = JSON.parse(message.content);
  }

  addResults() {
    const results = this.message.tool_calls.map((call) => ({
      role: "tool",
      tool_call_id: call.id,
      content: resultOf(call.function.arguments),
    }));
    this.arguments.messages.push(this.message, ...results);
  }
}

class Responses {
  constructor(client, request, shown) {
    Object.assign(this, { client, request, shown });
    const given = request.messages ?? [{ role: "user", content: "Hi" }];
    this.arguments = { ...commonArguments(request), input: given.flatMap(inputItems) };
    if (request.system) this.arguments.instructions = request.system;
    if ("max_tokens" in request) this.arguments.max_output_tokens = request.max_tokens;
    if (request.effort) this.arguments.reasoning = { effort: request.effort };
    if (request.show_reasoning) this.arguments.reasoning.summary = "auto";
    if ("logprobs" in request)
      Object.assign(this.arguments, {
        top_logprobs: request.logprobs,
        include: ["message.output_text.logprobs"],
      });
    if (request.json_object) this.arguments.text = { format: { type: "json_object" } };
    if (request.schema)
      this.arguments.text = {
        format: { type: "json_schema", name: "person", schema: SCHEMA, strict: true },
      };
    if (request.tools)
      this.arguments.tools = request.tools.map((name) => ({
        type: "function",
        name,
        description: DESCRIPTIONS[name],
        parameters: PARAMETERS,
        strict: request.strict ?? false,
      }));
    if (request.tool_choice)
      this.arguments.tool_choice = request.tool_choice.name
        ? { type: "function", ...request.tool_choice }
        : request.tool_choice;
  }

  async call(streams) {
    if (!streams) return this.show(await this.client.responses.create(this.arguments));
    const stream = this.client.responses.stream(this.arguments);
    let incomplete = null;
    for await (const event of stream) {
      if (event.type === "response.incomplete") incomplete = event.response;
      if (event.type === "response.output_text.delta") {
        this.shown.text += event.delta;
        if (left(this.request, this.shown)) return;
      }
    }
    this.show(incomplete ?? (await stream.finalResponse()));
  }

  show(response) {
    this.output = response.output;
    const calls = response.output.filter((item) => item.type === "function_call");
    const parts = response.output
      .filter((item) => item.type === "message")
      .flatMap((item) => item.content);
    const texts = parts.filter((part) => part.type === "output_text");
    const refusal = parts.map((part) => part.refusal ?? "").join("");
    const ended = calls.length ? "tool_calls" : refusal ? "refusal" : "stop";
    Object.assign(this.shown, {
      text: texts.map((part) => part.text).join(""),
      refusal,
      finish:
        response.status === "incomplete" ? INCOMPLETE[response.incomplete_details.reason] : ended,
      tool_calls: calls.map((call) => ({
        id: call.call_id,
        name: call.name,
        arguments: JSON.parse(call.arguments),
      })),
      usage: [
        response.usage.input_tokens,
        response.usage.output_tokens,
        response.usage.input_tokens_details.cached_tokens,
      ],
      reasoning: response.output
        .filter((item) => item.type === "reasoning")
        .flatMap((item) => item.summary.map((part) => part.text))
        .join(""),
      logprobs: texts.flatMap((part) => logProbabilities(part.logprobs)),
      request_id: response._request_id,
    });
    if (this.request.schema) this.shown.parsed = JSON.parse(this.shown.text);
  }

  addResults() {
    const results = this.output
      .filter((item) => item.type === "function_call")
      .map((call) => ({
        type: "function_call_output",
        call_id: call.call_id,
        output: resultOf(call.arguments),
      }));
    this.arguments.input.push(...this.output, ...results);
  }
}

function chatMessage(message) {
  const found = { ...message };
  if (Array.isArray(message.content)) found.content = message.content.map(chatPart);
  if (message.tool_calls)
    found.tool_calls = message.tool_calls.map(([id, name, text]) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    }));
  return found;
}

function chatPart(part) {
  const [kind, value] = Object.entries(part)[0];
  if (kind === "text") return { type: "text", text: value };
  if (kind === "audio") return { type: "input_audio", input_audio: { data: value, format: "wav" } };
  if (kind === "file") {
    const data = `data:application/pdf;base64,${value}`;
    return { type: "file", file: { file_data: data, filename: "x.pdf" } };
  }
  const url = kind === "image_url" ? value : `data:image/png;base64,${value}`;
  return { type: "image_url", image_url: { url } };
}

function inputItems(message) {
  const { content, role } = message;
  if (role === "tool")
    return [{ type: "function_call_output", call_id: message.tool_call_id, output: content }];
  const calls = (message.tool_calls ?? []).map(([id, name, text]) => ({
    type: "function_call",
    call_id: id,
    name,
    arguments: text,
  }));
  return [{ role, content: Array.isArray(content) ? content.map(inputPart) : content }, ...calls];
}

function inputPart(part) {
  const [kind, value] = Object.entries(part)[0];
  if (kind === "text") return { type: "input_text", text: value };
  if (kind === "file") {
    const data = `data:application/pdf;base64,${value}`;
    return { type: "input_file", file_data: data, filename: "x.pdf" };
  }
  const url = kind === "image_url" ? value : `data:image/png;base64,${value}`;
  return { type: "input_image", image_url: url, detail: "auto" };
}

async function run(client, request, shown, streams) {
  if (request.act === "models") {
    shown.models = [];
    for await (const model of client.models.list()) shown.models.push(model.id);
    return;
  }
  if (request.act === "model") {
    shown.models = [(await client.models.retrieve(request.model)).id];
    return;
  }
  const driver = new { chat: Chat, responses: Responses }[process.argv[3]](client, request, shown);
  await driver.call(streams);
  if (request.loop) {
    driver.addResults();
    shown.text = "";
    await driver.call(streams);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const { request } = command;
  const client = new OpenAI({
    baseURL: `${command.base_url}/v1`,
    apiKey: request.key ?? "any",
    timeout: (request.timeout_s ?? 60) * 1000,
    maxRetries: request.retries ?? 0,
    defaultHeaders: { "x-request-id": command.request_id },
  });
  const shown = { text: "" };
  try {
    await run(client, request, shown, command.mode === "stream");
  } catch (error) {
    shown.error = {
      class: error.constructor.name,
      status: error.status ?? null,
      says: error.message,
    };
  }
  process.stdout.write(`${JSON.stringify(shown)}\n`);
}
