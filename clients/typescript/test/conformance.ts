/**
 * Drives the client for the conformance suite: reads calls to make as lines of JSON and writes what came
 * of them.
 */
import { createInterface } from "node:readline";

import { fromJson, toJson, type DescMessage, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { status as Code } from "@grpc/grpc-js";

import {
  RouteMoAClient,
  RouteMoAError,
  StreamedAnswer,
  tlsFromFiles,
  type ClientOptions,
} from "../src/index.js";
import * as v1 from "../src/v1.js";

interface Command {
  method: string;
  requests: JsonValue[];
  address: string;
  request_id: string;
  timeout_ms?: number;
  gzip?: boolean;
  token?: string;
  token_failure?: string;
  plaintext_token?: boolean;
  metadata?: Record<string, string>;
  stop_after?: number;
  repeat?: number;
  security?: { ca_file: string; certificate_file?: string; key_file?: string };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

async function open(command: Command): Promise<RouteMoAClient> {
  const { address, security, token, token_failure: failure } = command;
  const options: Writable<ClientOptions> = { router: address, scorer: address, judge: address };
  options.gzip = command.gzip ?? false;
  if (security) {
    options.tls = await tlsFromFiles({
      caFile: security.ca_file,
      ...(security.certificate_file && { certificateFile: security.certificate_file }),
      ...(security.key_file && { keyFile: security.key_file }),
    });
  }
  options.plaintextToken = command.plaintext_token ?? false;
  const { metadata } = command;
  if (metadata) options.metadata = () => Object.entries(metadata);
  let number = 0;
  if (token) options.token = () => `${token} ${++number}`;
  if (failure) options.token = () => Promise.reject(new Error(`${failure} ${++number}`));
  return new RouteMoAClient(options);
}

async function run(
  client: RouteMoAClient,
  command: Command,
  responses: JsonValue[],
  streamed: StreamedAnswer,
): Promise<void> {
  const options = {
    requestId: command.request_id,
    ...(command.timeout_ms !== undefined && { timeoutMs: command.timeout_ms }),
  };
  const read = <T extends DescMessage>(schema: T, json = command.requests[0]): MessageShape<T> =>
    fromJson(schema, json ?? {});
  const collect = async <T extends DescMessage>(schema: T, stream: AsyncIterable<MessageShape<T>>) => {
    for await (const message of stream) {
      responses.push(toJson(schema, message));
      if (responses.length === command.stop_after) break;
    }
  };
  const keep = async <T extends DescMessage>(schema: T, call: () => Promise<MessageShape<T>>) => {
    for (let left = (command.repeat ?? 1) - 1; left > 0; left--) await call().catch(() => {});
    responses.push(toJson(schema, await call()));
  };
  switch (command.method) {
    case "RankModels":
      return keep(v1.RankModelsResponseSchema, () =>
        client.rankModels(read(v1.RankModelsRequestSchema), options),
      );
    case "BatchRankModels":
      return keep(v1.BatchRankModelsResponseSchema, () =>
        client.batchRankModels(read(v1.BatchRankModelsRequestSchema), options),
      );
    case "StreamRankModels": {
      const requests = command.requests.map((json) => read(v1.StreamRankModelsRequestSchema, json));
      return collect(v1.StreamRankModelsResponseSchema, client.streamRankModels(requests, options));
    }
    case "GetScorerInfo":
      return keep(v1.GetScorerInfoResponseSchema, () => client.getScorerInfo(options));
    case "RouteQuery":
      return keep(v1.RouteQueryResponseSchema, () =>
        client.routeQuery(read(v1.RouteQueryRequestSchema), options),
      );
    case "GenerateAnswer":
      return keep(v1.GenerateAnswerResponseSchema, () =>
        client.generateAnswer(read(v1.GenerateAnswerRequestSchema), options),
      );
    case "StreamAnswer":
      return collect(
        v1.StreamAnswerResponseSchema,
        added(client.streamAnswer(read(v1.StreamAnswerRequestSchema), options), streamed),
      );
    case "GetRouterInfo":
      return keep(v1.GetRouterInfoResponseSchema, () => client.getRouterInfo(options));
    case "ListModels":
      return keep(v1.ListModelsResponseSchema, () =>
        client.listModels(read(v1.ListModelsRequestSchema), options),
      );
    case "RecordFeedback":
      return keep(v1.RecordFeedbackResponseSchema, () =>
        client.recordFeedback(read(v1.RecordFeedbackRequestSchema), options),
      );
    case "AssessAnswers":
      return keep(v1.AssessAnswersResponseSchema, () =>
        client.assessAnswers(read(v1.AssessAnswersRequestSchema), options),
      );
    default:
      throw new TypeError(`unknown method ${command.method}`);
  }
}

async function* added(
  events: AsyncGenerator<v1.StreamAnswerResponse>,
  streamed: StreamedAnswer,
): AsyncGenerator<v1.StreamAnswerResponse> {
  for await (const event of events) {
    streamed.add(event);
    yield event;
  }
}

function shown(error: RouteMoAError): object {
  return {
    reason: error.reasonName,
    code: Code[error.code],
    message: error.message,
    metadata: error.metadata,
    violations: error.violations,
    retry_delay_ms: error.retryDelayMs ?? null,
    retryable: error.retryable,
  };
}

// A client lives until the next line, as its calls may go on.
let client: RouteMoAClient | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  client?.close();
  client = await open(command);
  const responses: JsonValue[] = [];
  const streamed = new StreamedAnswer();
  let failure: object | null = null;
  try {
    await run(client, command, responses, streamed);
  } catch (error) {
    if (!(error instanceof RouteMoAError)) throw error;
    failure = shown(error);
  }
  const answer = toJson(v1.AnswerSchema, streamed.answer);
  process.stdout.write(JSON.stringify({ responses, error: failure, answer }) + "\n");
}
client?.close();
