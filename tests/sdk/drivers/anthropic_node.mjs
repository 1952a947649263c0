// Drives Anthropic's Node SDK: a command per line of standard input -> what came of it.
// `node anthropic_node.mjs FOLDER`; FOLDER is where the SDK is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { Anthropic } = require("@anthropic-ai/sdk");

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
const FINISHES = { end_turn: "stop", max_tokens: "length", tool_use: "tool_calls" };
const TYPES = { image: "image/png", file: "application/pdf" };

function argumentsOf(request) {
  const found = {
    model: request.model ?? "routemoa",
    max_tokens: request.max_tokens ?? 1024,
    messages: messages(request.messages ?? [{ role: "user", content: "Hi" }]),
    ...request.extra,
  };
  for (const name of ["temperature", "top_p", "system"])
    if (name in request) found[name] = request[name];
  if (request.stop) found.stop_sequences = request.stop;
  if (request.user) found.metadata = { user_id: request.user };
  if (request.effort) found.output_config = { effort: request.effort };
  if (request.schema)
    found.output_config = { format: { type: "json_schema", schema: SCHEMA } };
  if (request.show_reasoning) found.thinking = { type: "adaptive", display: "summarized" };
  if (request.tools)
    found.tools = request.tools.map((name) => ({
      name,
      description: DESCRIPTIONS[name],
      input_schema: PARAMETERS,
      ...(request.strict ? { strict: true } : {}),
    }));
  if (request.tool_choice) found.tool_choice = choice(request);
  return found;
}

function choice(request) {
  const given = request.tool_choice;
  if (given.name) return { type: "tool", ...given };
  const found = { type: given === "required" ? "any" : given };
  if ("parallel" in request) found.disable_parallel_tool_use = !request.parallel;
  return found;
}

function messages(given) {
  const found = [];
  for (const message of given) {
    if (message.role !== "tool") {
      found.push({ role: message.role, content: blocks(message) });
      continue;
    }
    const result = {
      type: "tool_result",
      tool_use_id: message.tool_call_id,
      content: message.content,
    };
    const last = found.at(-1);
    if (last.role === "user") last.content.push(result);
    else found.push({ role: "user", content: [result] });
  }
  return found;
}

function blocks(message) {
  if (Array.isArray(message.content)) return message.content.map(block);
  if (!message.tool_calls) return message.content;
  const calls = message.tool_calls.map(([id, name, text]) => ({
    type: "tool_use",
    id,
    name,
    input: JSON.parse(text),
  }));
  return [{ type: "text", text: message.content }, ...calls];
}

function block(part) {
  const [kind, value] = Object.entries(part)[0];
  if (kind === "text") return { type: "text", text: value };
  if (kind === "image_url") return { type: "image", source: { type: "url", url: value } };
  const source = { type: "base64", media_type: TYPES[kind], data: value };
  return { type: kind === "file" ? "document" : "image", source };
}

class Messages {
  constructor(client, request, shown) {
    Object.assign(this, { client, request, shown, arguments: argumentsOf(request) });
  }

  async call(streams) {
    if (!streams) {
      this.show(await this.client.messages.create(this.arguments));
      return;
    }
    const stream = this.client.messages.stream(this.arguments);
    let pieces = 0;
    for await (const event of stream) {
      if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
      this.shown.text += event.delta.text;
      pieces += 1;
      if (pieces === this.request.stop_after) {
        this.shown.left = true;
        return;
      }
    }
    this.show(await stream.finalMessage());
  }

  show(message) {
    this.content = message.content;
    const { usage } = message;
    const cached = usage.cache_read_input_tokens ?? 0;
    const written = usage.cache_creation_input_tokens ?? 0;
    const of = (type) => message.content.filter((item) => item.type === type);
    Object.assign(this.shown, {
      text: of("text").map((item) => item.text).join(""),
      refusal: message.stop_details?.explanation ?? "",
      finish: FINISHES[message.stop_reason] ?? message.stop_reason,
      tool_calls: of("tool_use").map(({ id, name, input }) => ({ id, name, arguments: input })),
      usage: [usage.input_tokens + cached + written, usage.output_tokens, cached],
      reasoning: of("thinking").map((item) => item.thinking).join(""),
      request_id: message._request_id,
    });
    if (this.request.schema) this.shown.parsed = JSON.parse(this.shown.text);
  }

  addResults() {
    const results = this.content
      .filter((item) => item.type === "tool_use")
      .map((item) => ({
        type: "tool_result",
        tool_use_id: item.id,
        content: `sunny in ${item.input.city}`,
      }));
    this.arguments.messages.push(
      { role: "assistant", content: this.content },
      { role: "user", content: results },
    );
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const { request } = command;
  const client = new Anthropic({
    baseURL: command.base_url,
    apiKey: request.key ?? "any",
    timeout: (request.timeout_s ?? 60) * 1000,
    maxRetries: request.retries ?? 0,
    defaultHeaders: { "x-request-id": command.request_id },
  });
  const shown = { text: "" };
  try {
    const driver = new Messages(client, request, shown);
    await driver.call(command.mode === "stream");
    if (request.loop) {
      driver.addResults();
      shown.text = "";
      await driver.call(command.mode === "stream");
    }
  } catch (error) {
    shown.error = {
      class: error.constructor.name,
      status: error.status ?? null,
      says: error.message,
    };
  }
  process.stdout.write(`${JSON.stringify(shown)}\n`);
}
