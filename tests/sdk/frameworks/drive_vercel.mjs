// Drives the Vercel AI SDK: `node drive_vercel.mjs FOLDER chat`, `... responses` or `... messages`;
// FOLDER is where it is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { generateText, Output, stepCountIs, streamText, tool } = await load("ai");
const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createAnthropic } = await load("@ai-sdk/anthropic");
const { z } = await load("zod");

globalThis.AI_SDK_LOG_WARNINGS = false; // it would write to standard output
const MODES = { json: "outputFormat", tool: "jsonTool" }; // of the Messages API alone
const PERSON = z.object({ name: z.string(), age: z.number().int() });

function modelOf(command) {
  const { request } = command;
  const options = {
    baseURL: `${command.base_url}/v1`,
    apiKey: request.key ?? "any",
    headers: { "x-request-id": command.request_id },
  };
  const name = request.model ?? "routemoa";
  if (process.argv[3] === "messages") return createAnthropic(options)(name);
  if (process.argv[3] === "responses") return createOpenAI(options).responses(name);
  const compatible = { name: "routemoa", includeUsage: true, supportsStructuredOutputs: true };
  return createOpenAICompatible({ ...options, ...compatible })(name);
}

function toolsOf(names, shown) {
  const made = (name, result) => ({
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      shown.made.push([name, { city }]);
      return `${result} in ${city}`;
    },
  });
  const all = {
    weather: tool({ description: "Tells the weather.", ...made("weather", "sunny") }),
    time: tool({ description: "Tells the time.", ...made("time", "noon") }),
  };
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

function argumentsOf(command, shown) {
  const { request } = command;
  const text = request.prompt ?? "Hi";
  const image = { type: "image", image: request.image, mediaType: "image/png" };
  const content = request.image ? [{ type: "text", text }, image] : text;
  return {
    model: modelOf(command),
    messages: [{ role: "user", content }],
    maxRetries: request.retries ?? 0,
    ...(request.system ? { system: request.system } : {}),
    ...("temperature" in request ? { temperature: request.temperature } : {}),
    ...(request.tools
      ? { tools: toolsOf(request.tools, shown), stopWhen: stepCountIs(8) }
      : {}),
    ...(request.schema
      ? {
          output: Output.object({ schema: PERSON }),
          providerOptions: { anthropic: { structuredOutputMode: MODES[request.schema] } },
        }
      : {}),
  };
}

async function whole(command, shown) {
  const result = await generateText(argumentsOf(command, shown));
  shown.text = result.text;
  shown.usage = [result.usage.inputTokens, result.usage.outputTokens];
  if (command.request.schema) shown.parsed = result.output;
}

async function stream(command, shown) {
  let failure = null;
  const leave = new AbortController();
  const result = streamText({
    ...argumentsOf(command, shown),
    abortSignal: leave.signal,
    onError: ({ error }) => {
      failure = error;
    },
  });
  for await (const piece of result.textStream) {
    shown.text += piece;
    if (command.request.stop_after) {
      shown.left = true;
      leave.abort();
      return;
    }
  }
  if (failure) throw failure;
  const usage = await result.usage;
  shown.usage = [usage.inputTokens, usage.outputTokens];
  if (command.request.schema) shown.parsed = await result.output;
}

function described(error) {
  const last = error.lastError ?? error; // after several tries
  return {
    class: error.name ?? error.constructor.name, // a stream brings the gateway's object as it came
    status: last.statusCode ?? null,
    says: String(error.message ?? error.error?.message ?? JSON.stringify(error)),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const shown = { text: "", made: [] };
  try {
    await (command.mode === "stream" ? stream : whole)(command, shown);
  } catch (error) {
    shown.error = described(error);
  }
  process.stdout.write(`${JSON.stringify(shown)}\n`);
}
