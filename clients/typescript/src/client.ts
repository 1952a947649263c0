import { randomUUID } from "node:crypto";

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ChannelCredentials } from "@grpc/grpc-js";

import { Channel, type CallOptions } from "./channel.js";
import { combined } from "./credentials.js";
import {
  JudgeService,
  type AssessAnswersRequestSchema,
  type AssessAnswersResponse,
} from "./gen/routemoa/v1/judge_service_pb.js";
import type { Model } from "./gen/routemoa/v1/model_pb.js";
import {
  FeedbackSource,
  RecordFeedbackRequestSchema,
  RouterService,
  type GenerateAnswerRequestSchema,
  type GenerateAnswerResponse,
  type GetRouterInfoResponse,
  type ListModelsRequestSchema,
  type ListModelsResponse,
  type RecordFeedbackResponse,
  type RouteQueryRequestSchema,
  type RouteQueryResponse,
  type StreamAnswerRequestSchema,
  type StreamAnswerResponse,
} from "./gen/routemoa/v1/router_service_pb.js";
import {
  ScorerService,
  type BatchRankModelsRequestSchema,
  type BatchRankModelsResponse,
  type GetScorerInfoResponse,
  type RankModelsRequestSchema,
  type RankModelsResponse,
  type StreamRankModelsRequestSchema,
  type StreamRankModelsResponse,
} from "./gen/routemoa/v1/scorer_service_pb.js";

export type { CallOptions } from "./channel.js";

/** Where the services are and how they are reached. */
export interface ClientOptions {
  /** Address of the router, `host:port`; 127.0.0.1:50052 unless given. */
  readonly router?: string;
  /** Address of the scorer; 127.0.0.1:50051 unless given. */
  readonly scorer?: string;
  /** Address of the judge; 127.0.0.1:50053 unless given. */
  readonly judge?: string;
  /** From `tlsFromFiles`; without it, nothing is encrypted. */
  readonly tls?: ChannelCredentials;
  /**
   * Asked before every call; travels as `authorization: Bearer ...`. Needs `tls`. If it fails, the call fails with
   * UNAUTHENTICATED and is not tried again.
   */
  readonly token?: () => string | Promise<string>;
  /** Whether the token may travel without TLS, for networks that encrypt by themselves, as a service mesh does. */
  readonly plaintextToken?: boolean;
  /** Asked before every call for further metadata, e.g. the `traceparent` of a trace. */
  readonly metadata?: () => Iterable<readonly [string, string]>;
  /** Whether requests are compressed. Compressed responses are always read. */
  readonly gzip?: boolean;
  /** Whether the HTTP proxy of the environment (`grpc_proxy`, `https_proxy`, `http_proxy`, `no_proxy`) is used. */
  readonly proxy?: boolean;
}

/**
 * Talks to the router, the scorer and the judge; connects on first use. Services of one address share a
 * connection. Every failure is a `RouteMoAError`. Retries are gRPC's, from the packaged service config.
 */
export class RouteMoAClient {
  readonly #channels = new Map<string, Channel>();
  readonly #router: Channel;
  readonly #scorer: Channel;
  readonly #judge: Channel;

  constructor(options: ClientOptions = {}) {
    const credentials = combined(options);
    const how = {
      secure: options.tls !== undefined,
      gzip: options.gzip ?? false,
      proxy: options.proxy ?? false,
      metadata: options.metadata ?? (() => []),
    };
    const at = (address: string): Channel => {
      const channel = this.#channels.get(address) ?? new Channel(address, credentials, how);
      this.#channels.set(address, channel);
      return channel;
    };
    this.#scorer = at(options.scorer ?? "127.0.0.1:50051");
    this.#router = at(options.router ?? "127.0.0.1:50052");
    this.#judge = at(options.judge ?? "127.0.0.1:50053");
  }

  /** Ends the client's connections. */
  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  /** Returns the scorer's ranking, of all models that it knows unless some are named. */
  rankModels(
    request: MessageInitShape<typeof RankModelsRequestSchema>,
    options?: CallOptions,
  ): Promise<RankModelsResponse> {
    return this.#scorer.unary(ScorerService.method.rankModels, request, options);
  }

  /** Returns one ranking per request, in order. */
  batchRankModels(
    request: MessageInitShape<typeof BatchRankModelsRequestSchema>,
    options?: CallOptions,
  ): Promise<BatchRankModelsResponse> {
    return this.#scorer.unary(ScorerService.method.batchRankModels, request, options);
  }

  /** Yields one ranking or error per request, in order, for any number. Leaving the loop cancels the call. */
  streamRankModels(
    requests:
      | AsyncIterable<MessageInitShape<typeof StreamRankModelsRequestSchema>>
      | Iterable<MessageInitShape<typeof StreamRankModelsRequestSchema>>,
    options?: CallOptions,
  ): AsyncGenerator<StreamRankModelsResponse, void, undefined> {
    return this.#scorer.bidiStream(ScorerService.method.streamRankModels, requests, options);
  }

  /** Returns what the scorer is, which models it knows, and its limits. */
  getScorerInfo(options?: CallOptions): Promise<GetScorerInfoResponse> {
    return this.#scorer.unary(ScorerService.method.getScorerInfo, {}, options);
  }

  /** Returns which models one layer should run; runs none. */
  routeQuery(
    request: MessageInitShape<typeof RouteQueryRequestSchema>,
    options?: CallOptions,
  ): Promise<RouteQueryResponse> {
    return this.#router.unary(RouterService.method.routeQuery, request, options);
  }

  /** Runs the layers and returns the answer. It costs money, so it is never retried. */
  generateAnswer(
    request: MessageInitShape<typeof GenerateAnswerRequestSchema>,
    options?: CallOptions,
  ): Promise<GenerateAnswerResponse> {
    return this.#router.unary(RouterService.method.generateAnswer, request, options);
  }

  /** Does what `generateAnswer` does, and yields every event; the last one holds the result. */
  async *streamAnswer(
    request: MessageInitShape<typeof StreamAnswerRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<StreamAnswerResponse, void, undefined> {
    const events = this.#router.serverStream(RouterService.method.streamAnswer, request, options);
    for await (const event of events) {
      if (event.event.case !== undefined) yield event; // else newer than this client
    }
  }

  /**
   * Records how good an answer was. If the request has no feedback id, it is sent with a new one; if it has no source,
   * as a user's.
   */
  recordFeedback(
    request: MessageInitShape<typeof RecordFeedbackRequestSchema>,
    options?: CallOptions,
  ): Promise<RecordFeedbackResponse> {
    const whole = create(RecordFeedbackRequestSchema, request);
    whole.feedbackId ||= randomUUID();
    whole.source ||= FeedbackSource.USER;
    return this.#router.unary(RouterService.method.recordFeedback, whole, options);
  }

  /** Returns the router's strategies, presets and limits, and what its models can do. */
  getRouterInfo(options?: CallOptions): Promise<GetRouterInfoResponse> {
    return this.#router.unary(RouterService.method.getRouterInfo, {}, options);
  }

  /** Returns one page of the pool. */
  listModels(
    request: MessageInitShape<typeof ListModelsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<ListModelsResponse> {
    return this.#router.unary(RouterService.method.listModels, request, options);
  }

  /** Yields the whole pool, ordered by model id, page after page. */
  async *models(options?: CallOptions): AsyncGenerator<Model, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.listModels({ pageToken }, options);
      yield* page.models;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Returns the judge's posterior scores of the models that ran. */
  assessAnswers(
    request: MessageInitShape<typeof AssessAnswersRequestSchema>,
    options?: CallOptions,
  ): Promise<AssessAnswersResponse> {
    return this.#judge.unary(JudgeService.method.assessAnswers, request, options);
  }
}
