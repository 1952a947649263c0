import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { create, fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  status as Code,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

import { ErrorReason, RouteMoAClient, tlsFromFiles, TransportError } from "../src/index.js";
import * as v1 from "../src/v1.js";

type Unary = ServerUnaryCall<MessageShape<DescMessage>, unknown>;

function definition(method: DescMethod, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream,
    responseStream,
    requestSerialize: (message: MessageShape<DescMessage>) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
    responseSerialize: (message: MessageShape<DescMessage>) => Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
  };
}

/** Pages of one model each, an endless stream of events, and an echo of ranking requests. */
const handlers: UntypedServiceImplementation = {
  listModels(call: Unary, reply: sendUnaryData<unknown>) {
    peers.add(call.getPeer());
    const page = Number((call.request as v1.ListModelsRequest).pageToken || "0");
    const models = [create(v1.ModelSchema, { modelId: `model-${page}` })];
    const nextPageToken = page < 2 ? String(page + 1) : "";
    reply(null, create(v1.ListModelsResponseSchema, { models, nextPageToken }));
  },
  recordFeedback(call: Unary, reply: sendUnaryData<unknown>) {
    feedback.push(call.request as v1.RecordFeedbackRequest);
    reply(null, create(v1.RecordFeedbackResponseSchema, {}));
  },
  rankModels() {
    // never answers
  },
  streamAnswer(call: ServerWritableStream<unknown, unknown>) {
    const timer = setInterval(() => {
      call.write(create(v1.StreamAnswerResponseSchema, { event: { case: "delta", value: { text: "x" } } }));
    }, 5);
    call.on("cancelled", () => {
      clearInterval(timer);
      cancelled();
    });
  },
  streamRankModels(call: ServerDuplexStream<unknown, unknown>) {
    let index = 0n;
    call.on("data", () => {
      call.write(create(v1.StreamRankModelsResponseSchema, { requestIndex: index++ }));
    });
    call.on("end", () => call.end());
  },
};

const peers = new Set<string>();
const feedback: v1.RecordFeedbackRequest[] = [];
const servers: Server[] = [];
let cancelled = () => {};
let client: RouteMoAClient;

async function serve(): Promise<string> {
  const server = new Server();
  servers.push(server);
  const { listModels, recordFeedback, streamAnswer } = v1.RouterService.method;
  const { rankModels, streamRankModels } = v1.ScorerService.method;
  server.addService(
    {
      listModels: definition(listModels, false, false),
      recordFeedback: definition(recordFeedback, false, false),
      rankModels: definition(rankModels, false, false),
      streamAnswer: definition(streamAnswer, false, true),
      streamRankModels: definition(streamRankModels, true, true),
    },
    handlers,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return `127.0.0.1:${port}`;
}

before(async () => {
  const address = await serve();
  client = new RouteMoAClient({ router: address, scorer: address, judge: address });
});

after(() => {
  client.close();
  for (const server of servers) server.forceShutdown();
});

test("the whole pool is listed, page after page", async () => {
  const ids: string[] = [];
  for await (const model of client.models()) ids.push(model.modelId);
  assert.deepEqual(ids, ["model-0", "model-1", "model-2"]);
});

test("feedback has an id of its own and is a user's unless told", async () => {
  await client.recordFeedback({ decisionId: "d", score: 0 });
  await client.recordFeedback({ decisionId: "d", score: 0 });
  const source = v1.FeedbackSource.CHECKER;
  await client.recordFeedback({ decisionId: "d", feedbackId: "f", source, preferredModelId: "a" });
  const [first, second, third] = feedback;
  assert.ok(first?.feedbackId);
  assert.notEqual(first.feedbackId, second?.feedbackId);
  assert.equal(first.source, v1.FeedbackSource.USER);
  assert.equal(first.score, 0);
  assert.deepEqual([third?.feedbackId, third?.source, third?.score], ["f", source, undefined]);
});

test("calls are spread over all addresses of a name", async () => {
  peers.clear();
  const spread = new RouteMoAClient({ router: `ipv4:${await serve()},${await serve()}` });
  while (peers.size < 2) await spread.listModels(); // until the test's timeout
  spread.close();
});

test("a stream that is left by break is cancelled on the server", async () => {
  const seen = new Promise<void>((resolve) => (cancelled = resolve));
  for await (const event of client.streamAnswer({ messages: [] })) {
    assert.equal(event.event.case, "delta");
    break;
  }
  await seen;
});

test("an abort signal cancels a stream, and its error has a type", async () => {
  const seen = new Promise<void>((resolve) => (cancelled = resolve));
  const controller = new AbortController();
  await assert.rejects(
    async () => {
      for await (const _ of client.streamAnswer({}, { signal: controller.signal })) controller.abort();
    },
    (error) => error instanceof TransportError && error.code === Code.CANCELLED,
  );
  await seen;
});

test("an abort signal cancels a call that waits", async () => {
  const call = client.rankModels({ query: "Why?" }, { signal: AbortSignal.timeout(50) });
  await assert.rejects(call, (error) => error instanceof TransportError && error.code === Code.CANCELLED);
});

test("an abort that came before the call cancels it too", async () => {
  const call = client.rankModels({ query: "Why?" }, { signal: AbortSignal.abort() });
  await assert.rejects(call, (error) => error instanceof TransportError && error.code === Code.CANCELLED);
});

test("more queries than fit the connection's window are ranked, in order", async () => {
  async function* queries() {
    for (let left = 400; left > 0; left--) yield { request: { query: "x".repeat(1000) } };
  }
  let next = 0n;
  for await (const response of client.streamRankModels(queries())) {
    assert.equal(response.requestIndex, next++);
  }
  assert.equal(next, 400n);
});

test("an error of the caller's own queries comes out of the stream", async () => {
  async function* queries() {
    yield { request: { query: "first" } };
    throw new RangeError("the file is gone");
  }
  await assert.rejects(async () => {
    for await (const _ of client.streamRankModels(queries())) void _;
  }, RangeError);
});

test("nobody at the address is a transport error without a reason", async () => {
  const alone = new RouteMoAClient({ router: "127.0.0.1:1" });
  await assert.rejects(alone.generateAnswer({}), (error) => {
    assert.ok(error instanceof TransportError);
    assert.equal(error.reason, ErrorReason.UNSPECIFIED);
    assert.match(error.message, /^127\.0\.0\.1:1 without TLS: /);
    return true;
  });
  alone.close();
});

test("a token without TLS is refused, and so is half a certificate", async () => {
  assert.throws(() => new RouteMoAClient({ token: () => "s3cret" }), TypeError);
  await assert.rejects(tlsFromFiles({ certificateFile: "client.pem" }), TypeError);
});
