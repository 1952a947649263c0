import { randomUUID } from "node:crypto";

import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  Client,
  compressionAlgorithms,
  Metadata,
  type CallCredentials,
  type CallOptions as GrpcCallOptions,
  type ClientReadableStream,
  type ServiceError,
} from "@grpc/grpc-js";

import type { Credentials } from "./credentials.js";
import { typed } from "./errors.js";
import { SERVICE_CONFIG } from "./gen/service_config.js";
import { VERSION } from "./version.js";

/** Room for every model's answer of every layer; gRPC's own limit is an eighth of it. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

/** What a single call may be told. */
export interface CallOptions {
  /** The time that the whole call may take. Without it, and at most, that of the service config. */
  readonly timeoutMs?: number;
  /** Sent as `x-request-id`, which appears in the services' logs; without it, each call gets its own. */
  readonly requestId?: string;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

type Request<I extends DescMessage> = MessageInitShape<I>;

/** One connection, with typed calls over it. */
export class Channel {
  readonly #client: Client;
  readonly #where: string;
  readonly #call: CallCredentials | undefined;
  readonly #further: () => Iterable<readonly [string, string]>;

  constructor(
    address: string,
    credentials: Credentials,
    how: {
      secure: boolean;
      gzip: boolean;
      proxy: boolean;
      metadata: () => Iterable<readonly [string, string]>;
    },
  ) {
    this.#call = credentials.call;
    this.#further = how.metadata;
    this.#where = `${address} ${how.secure ? "with" : "without"} TLS`;
    this.#client = new Client(address, credentials.channel, {
      "grpc.service_config": SERVICE_CONFIG,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_http_proxy": how.proxy ? 1 : 0,
      "grpc.primary_user_agent": `routemoa-typescript/${VERSION}`,
      "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 5_000,
      "grpc.max_reconnect_backoff_ms": 2_000,
      // The default of 30 s is long where pods are replaced one after the other.
      "grpc.dns_min_time_between_resolutions_ms": 2_000,
      "grpc.default_compression_algorithm": how.gzip
        ? compressionAlgorithms.gzip
        : compressionAlgorithms.identity,
    });
  }

  close(): void {
    this.#client.close();
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: Request<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path(method),
        writer(method.input),
        reader(method.output),
        create(method.input, request),
        this.#metadata(options),
        grpcOptions(options, this.#call),
        (error: ServiceError | null, response?: MessageShape<O>) => {
          stopListening();
          if (error) reject(typed(error, this.#where));
          else resolve(response as MessageShape<O>);
        },
      );
      const stopListening = cancelOnAbort(call, options.signal);
    });
  }

  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: Request<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const call = this.#client.makeServerStreamRequest(
      path(method),
      writer(method.input),
      reader(method.output),
      create(method.input, request),
      this.#metadata(options),
      grpcOptions(options, this.#call),
    );
    yield* this.#received(call, options.signal);
  }

  async *bidiStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: AsyncIterable<Request<I>> | Iterable<Request<I>>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const call = this.#client.makeBidiStreamRequest(
      path(method),
      writer(method.input),
      reader(method.output),
      this.#metadata(options),
      grpcOptions(options, this.#call),
    );
    let sourceError: unknown;
    let over = false;
    let wake = () => {};
    const send = async () => {
      for await (const request of requests) {
        if (over) return;
        if (call.write(create(method.input, request))) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          call.once("drain", resolve);
        });
      }
      if (!over) call.end();
    };
    send().catch((error: unknown) => {
      sourceError = error ?? new Error("the requests failed");
      call.cancel();
    });
    try {
      yield* this.#received(call, options.signal);
    } catch (error) {
      throw sourceError ?? error; // the caller's own failure, not the cancellation that it caused
    } finally {
      over = true;
      wake();
    }
  }

  #metadata(options: CallOptions): Metadata {
    const sent = new Metadata();
    for (const [key, value] of this.#further()) sent.add(key, value);
    sent.set("x-request-id", options.requestId ?? randomUUID());
    return sent;
  }

  async *#received<O>(
    call: ClientReadableStream<O>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<O, void, undefined> {
    const stopListening = cancelOnAbort(call, signal);
    try {
      for await (const message of call) yield message as O;
    } catch (error) {
      throw isServiceError(error) ? typed(error, this.#where) : error;
    } finally {
      stopListening();
      call.on("error", () => {}); // the cancellation itself is nobody's error
      call.cancel();
    }
  }
}

function path(method: { name: string; parent: { typeName: string } }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function writer<I extends DescMessage>(schema: I): (message: MessageShape<I>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function reader<O extends DescMessage>(schema: O): (bytes: Buffer) => MessageShape<O> {
  return (bytes) => fromBinary(schema, bytes);
}

function grpcOptions(options: CallOptions, call: CallCredentials | undefined): GrpcCallOptions {
  return {
    ...(options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs }),
    ...(call === undefined ? {} : { credentials: call }),
  };
}

function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}
