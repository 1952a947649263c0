import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import { StreamedAnswer, argumentsOf, image, tool, toolResult, user } from "../src/index.js";
import { MessageSchema, StreamAnswerResponseSchema, ToolCallSchema } from "../src/v1.js";

test("text alone is content, and with media a part", () => {
  assert.deepEqual(create(MessageSchema, user("Why?")).body, { case: "content", value: "Why?" });
  const { body } = create(MessageSchema, user("What is it?", image({ url: "https://example.org/a.png" })));
  assert(body.case === "parts");
  assert.deepEqual(
    body.value.parts.map(({ part }) => part.case),
    ["text", "image"],
  );
});

test("a tool has its schema as text, and a call its arguments", () => {
  assert.equal(tool("weather", "", { type: "object" }).parametersJson, '{"type":"object"}');
  const call = create(ToolCallSchema, { toolCallId: "1", argumentsJson: '{"city": "Oslo"}' });
  assert.deepEqual(argumentsOf(call), { city: "Oslo" });
  assert.deepEqual(argumentsOf(create(ToolCallSchema)), {});
  assert.throws(() => argumentsOf(create(ToolCallSchema, { argumentsJson: "{" })), SyntaxError);
  assert.equal(toolResult(call, "4").toolCallId, "1");
});

test("a streamed answer is what was said since the last reset, with the calls put together", () => {
  const streamed = new StreamedAnswer();
  const piece = (toolCalls: object[]) =>
    streamed.add(create(StreamAnswerResponseSchema, { event: { case: "delta", value: { toolCalls } } }));
  streamed.add(create(StreamAnswerResponseSchema, { event: { case: "delta", value: { text: "wrong" } } }));
  streamed.add(create(StreamAnswerResponseSchema, { event: { case: "reset", value: {} } }));
  piece([{ callIndex: 1, toolCallId: "b", name: "two", argumentsJson: "{}" }]);
  piece([{ callIndex: 0, toolCallId: "a", name: "one", argumentsJson: "{" }]);
  piece([{ callIndex: 0, argumentsJson: "}" }]);
  const answer = { modelId: "m", text: "said already" };
  streamed.add(create(StreamAnswerResponseSchema, { event: { case: "result", value: { answer } } }));
  assert.equal(streamed.answer.text, "");
  assert.equal(streamed.answer.modelId, "m");
  assert.deepEqual(
    streamed.answer.toolCalls.map(({ toolCallId, argumentsJson }) => [toolCallId, argumentsJson]),
    [
      ["a", "{}"],
      ["b", "{}"],
    ],
  );
});
