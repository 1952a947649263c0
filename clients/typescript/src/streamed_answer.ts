import { clone, create } from "@bufbuild/protobuf";

import { AnswerSchema, ToolCallSchema, type Answer, type ToolCall } from "./gen/routemoa/v1/model_pb.js";
import type { AnswerDelta, StreamAnswerResponse } from "./gen/routemoa/v1/router_service_pb.js";

/** Collects the answer of a stream from its deltas. */
export class StreamedAnswer {
  #said = create(AnswerSchema);
  #calls = new Map<number, ToolCall>();
  #account = create(AnswerSchema);

  /** Adds the next event of the stream. Events that say nothing of the answer do no harm. */
  add({ event }: StreamAnswerResponse): void {
    if (event.case === "delta") this.#append(event.value);
    if (event.case === "result" && event.value.answer) this.#account = event.value.answer;
    if (event.case === "reset") {
      this.#said = create(AnswerSchema);
      this.#calls.clear();
    }
  }

  /** The answer since the last reset; after the result also with model, counts and scores. */
  get answer(): Answer {
    const { text, refusal, reasoning, logProbabilities } = this.#said;
    const calls = [...this.#calls].sort(([one], [other]) => one - other);
    const toolCalls = calls.map(([, call]) => clone(ToolCallSchema, call));
    const said = { text, refusal, reasoning, toolCalls, logProbabilities: [...logProbabilities] };
    return Object.assign(clone(AnswerSchema, this.#account), said);
  }

  #append(delta: AnswerDelta): void {
    this.#said.text += delta.text;
    this.#said.refusal += delta.refusal;
    this.#said.reasoning += delta.reasoning;
    this.#said.logProbabilities.push(...delta.logProbabilities);
    for (const piece of delta.toolCalls) {
      const call = this.#calls.get(piece.callIndex) ?? create(ToolCallSchema);
      this.#calls.set(piece.callIndex, call);
      call.toolCallId ||= piece.toolCallId;
      call.name ||= piece.name;
      call.argumentsJson += piece.argumentsJson;
    }
  }
}
