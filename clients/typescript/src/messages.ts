import type { MessageInitShape } from "@bufbuild/protobuf";

import type { ToolSchema } from "./gen/routemoa/v1/generation_pb.js";
import {
  Role,
  type Answer,
  type MediaSchema,
  type MessagePartSchema,
  type MessageSchema,
  type ToolCall,
} from "./gen/routemoa/v1/model_pb.js";

type MessageInit = MessageInitShape<typeof MessageSchema>;
type PartInit = MessageInitShape<typeof MessagePartSchema>;

/** A medium: its URL, which goes to the models' backends as it is, or its bytes with their media type. */
export type MediaSource =
  | { readonly url: string; readonly mediaType?: string }
  | { readonly data: Uint8Array; readonly mediaType: string; readonly name?: string };

/** Returns instructions for the models. */
export function system(content: string): MessageInit {
  return { role: Role.SYSTEM, body: { case: "content", value: content } };
}

/** Returns a turn of the user: text, and media or more text after it. */
export function user(content: string, ...parts: PartInit[]): MessageInit {
  if (parts.length === 0) return { role: Role.USER, body: { case: "content", value: content } };
  return { role: Role.USER, body: { case: "parts", value: { parts: [text(content), ...parts] } } };
}

/** Returns an answer as a turn of the conversation, with its calls to tools. */
export function assistant(answer: Answer): MessageInit {
  const body = { case: "content" as const, value: answer.text };
  return { role: Role.ASSISTANT, body, toolCalls: answer.toolCalls };
}

/** Returns the result of a call that a model asked for. */
export function toolResult(call: ToolCall, result: string): MessageInit {
  const body = { case: "content" as const, value: result };
  return { role: Role.TOOL, body, toolCallId: call.toolCallId };
}

/** Returns text as a part of a message. */
export function text(content: string): PartInit {
  return { part: { case: "text", value: content } };
}

/** Returns an image as a part of a message. */
export function image(source: MediaSource): PartInit {
  return { part: { case: "image", value: media(source) } };
}

/** Returns speech or sound as a part of a message. */
export function audio(source: MediaSource): PartInit {
  return { part: { case: "audio", value: media(source) } };
}

/** Returns a document as a part of a message. */
export function file(source: MediaSource): PartInit {
  return { part: { case: "file", value: media(source) } };
}

/** Returns a tool; `parameters` is the JSON schema of its arguments. */
export function tool(
  name: string,
  description: string,
  parameters?: object,
): MessageInitShape<typeof ToolSchema> {
  return { name, description, parametersJson: parameters ? JSON.stringify(parameters) : "" };
}

/** Returns the arguments of a call that a model asked for; throws `SyntaxError` if they are no JSON. */
export function argumentsOf(call: ToolCall): unknown {
  return JSON.parse(call.argumentsJson || "{}");
}

function media(source: MediaSource): MessageInitShape<typeof MediaSchema> {
  if ("url" in source) {
    return { source: { case: "url", value: source.url }, mediaType: source.mediaType ?? "" };
  }
  const { data, mediaType, name = "" } = source;
  return { source: { case: "data", value: data }, mediaType, name };
}
