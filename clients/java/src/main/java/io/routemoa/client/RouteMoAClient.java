package io.routemoa.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.routemoa.v1.AssessAnswersRequest;
import io.routemoa.v1.AssessAnswersResponse;
import io.routemoa.v1.BatchRankModelsRequest;
import io.routemoa.v1.BatchRankModelsResponse;
import io.routemoa.v1.FeedbackSource;
import io.routemoa.v1.GenerateAnswerRequest;
import io.routemoa.v1.GenerateAnswerResponse;
import io.routemoa.v1.GetRouterInfoRequest;
import io.routemoa.v1.GetRouterInfoResponse;
import io.routemoa.v1.GetScorerInfoRequest;
import io.routemoa.v1.GetScorerInfoResponse;
import io.routemoa.v1.JudgeServiceGrpc;
import io.routemoa.v1.ListModelsRequest;
import io.routemoa.v1.ListModelsResponse;
import io.routemoa.v1.Model;
import io.routemoa.v1.RankModelsRequest;
import io.routemoa.v1.RankModelsResponse;
import io.routemoa.v1.RecordFeedbackRequest;
import io.routemoa.v1.RecordFeedbackResponse;
import io.routemoa.v1.RouteQueryRequest;
import io.routemoa.v1.RouteQueryResponse;
import io.routemoa.v1.RouterServiceGrpc;
import io.routemoa.v1.ScorerServiceGrpc;
import io.routemoa.v1.StreamAnswerRequest;
import io.routemoa.v1.StreamAnswerResponse;
import io.routemoa.v1.StreamRankModelsRequest;
import io.routemoa.v1.StreamRankModelsResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Talks to the router, the scorer and the judge; safe for concurrent use. Connects on first use; services of
 * one address share a connection. Methods wait and throw {@link RouteMoAException}; {@link #async()} has the
 * same ones with futures. Retries and default timeouts are gRPC's, from the packaged service config.
 */
public final class RouteMoAClient implements AutoCloseable {
  private final Connections connections;
  final Target router;
  final Target scorer;
  final Target judge;
  private final CallOptions options;
  private final Duration timeout;

  /** An address, how it is described in errors, and the connection to it. */
  record Target(Channel channel, String where) {}

  private RouteMoAClient(Builder builder) {
    connections = new Connections(builder.tls, builder.proxy, builder.interceptors);
    router = target(builder.router);
    scorer = target(builder.scorer);
    judge = target(builder.judge);
    options = builder.options();
    timeout = null;
  }

  private RouteMoAClient(RouteMoAClient from, CallOptions options, Duration timeout) {
    connections = from.connections;
    router = from.router;
    scorer = from.scorer;
    judge = from.judge;
    this.options = options;
    this.timeout = timeout;
  }

  /** Returns a builder; as it stands, it builds a client of the services on this machine. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns this client with a time that each of its calls may take, streams included. */
  public RouteMoAClient withTimeout(Duration timeout) {
    return new RouteMoAClient(this, options, timeout);
  }

  /** Returns this client with a request id, which appears in the services' logs. */
  public RouteMoAClient withRequestId(String requestId) {
    return new RouteMoAClient(this, options.withOption(Connections.REQUEST_ID, requestId), timeout);
  }

  /** Returns this client with futures in place of waiting. */
  public AsyncRouteMoAClient async() {
    return new AsyncRouteMoAClient(this);
  }

  /** Ends the calls and connections, also those of the clients made by {@code with...}. */
  @Override
  public void close() {
    connections.close();
  }

  /** Returns the scorer's ranking, of all models that it knows unless some are named. */
  public RankModelsResponse rankModels(RankModelsRequest request) {
    return call(scorer, ScorerServiceGrpc.getRankModelsMethod(), request);
  }

  /** Returns one ranking per request, in order. */
  public BatchRankModelsResponse batchRankModels(BatchRankModelsRequest request) {
    return call(scorer, ScorerServiceGrpc.getBatchRankModelsMethod(), request);
  }

  /**
   * Returns one ranking or error per request, in order, for any number of requests. They are taken on another
   * thread, as the scorer has room.
   */
  public MessageStream<StreamRankModelsResponse> streamRankModels(
      Iterator<StreamRankModelsRequest> requests) {
    MessageStream<StreamRankModelsResponse> stream = new MessageStream<>(scorer.where, message -> true);
    RequestSender<StreamRankModelsRequest> sender = new RequestSender<>(requests, stream::fail);
    var call = scorer.channel.newCall(ScorerServiceGrpc.getStreamRankModelsMethod(), callOptions());
    var toService = ClientCalls.asyncBidiStreamingCall(call, stream.observer(sender));
    sender.start((ClientCallStreamObserver<StreamRankModelsRequest>) toService);
    return stream;
  }

  /** Returns what the scorer is, which models it knows, and its limits. */
  public GetScorerInfoResponse getScorerInfo() {
    GetScorerInfoRequest request = GetScorerInfoRequest.getDefaultInstance();
    return call(scorer, ScorerServiceGrpc.getGetScorerInfoMethod(), request);
  }

  /** Returns which models one layer should run; runs none. */
  public RouteQueryResponse routeQuery(RouteQueryRequest request) {
    return call(router, RouterServiceGrpc.getRouteQueryMethod(), request);
  }

  /** Runs the layers and returns the answer. It costs money, so it is never retried. */
  public GenerateAnswerResponse generateAnswer(GenerateAnswerRequest request) {
    return call(router, RouterServiceGrpc.getGenerateAnswerMethod(), request);
  }

  /** Does what {@code generateAnswer} does, and returns every event; the last one holds the result. */
  public MessageStream<StreamAnswerResponse> streamAnswer(StreamAnswerRequest request) {
    MessageStream<StreamAnswerResponse> stream =
        new MessageStream<>(
            router.where, event -> event.getEventCase() != StreamAnswerResponse.EventCase.EVENT_NOT_SET);
    var call = router.channel.newCall(RouterServiceGrpc.getStreamAnswerMethod(), callOptions());
    ClientCalls.asyncServerStreamingCall(call, request, stream.observer(null));
    return stream;
  }

  /**
   * Records how good an answer was. If the request has no feedback id, it is sent with a new one; if it has no
   * source, as a user's.
   */
  public RecordFeedbackResponse recordFeedback(RecordFeedbackRequest request) {
    return call(router, RouterServiceGrpc.getRecordFeedbackMethod(), whole(request));
  }

  /** Returns the router's strategies, presets and limits, and what its models can do. */
  public GetRouterInfoResponse getRouterInfo() {
    GetRouterInfoRequest request = GetRouterInfoRequest.getDefaultInstance();
    return call(router, RouterServiceGrpc.getGetRouterInfoMethod(), request);
  }

  /** Returns one page of the pool. */
  public ListModelsResponse listModels(ListModelsRequest request) {
    return call(router, RouterServiceGrpc.getListModelsMethod(), request);
  }

  /** Returns the whole pool, ordered by model id. */
  public List<Model> models() {
    List<Model> models = new ArrayList<>();
    String pageToken = "";
    do {
      ListModelsResponse page = listModels(ListModelsRequest.newBuilder().setPageToken(pageToken).build());
      models.addAll(page.getModelsList());
      pageToken = page.getNextPageToken();
    } while (!pageToken.isEmpty());
    return models;
  }

  /** Returns the judge's posterior scores of the models that ran. */
  public AssessAnswersResponse assessAnswers(AssessAnswersRequest request) {
    return call(judge, JudgeServiceGrpc.getAssessAnswersMethod(), request);
  }

  static RecordFeedbackRequest whole(RecordFeedbackRequest request) {
    RecordFeedbackRequest.Builder whole = request.toBuilder();
    if (whole.getFeedbackId().isEmpty()) {
      whole.setFeedbackId(UUID.randomUUID().toString());
    }
    if (whole.getSource() == FeedbackSource.FEEDBACK_SOURCE_UNSPECIFIED) {
      whole.setSource(FeedbackSource.FEEDBACK_SOURCE_USER);
    }
    return whole.build();
  }

  CallOptions callOptions() {
    return timeout == null
        ? options
        : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  private <Q, R> R call(Target target, MethodDescriptor<Q, R> method, Q request) {
    try {
      return ClientCalls.blockingUnaryCall(target.channel, method, callOptions(), request);
    } catch (StatusRuntimeException error) {
      throw RouteMoAException.of(error, target.where);
    }
  }

  private Target target(String address) {
    return new Target(connections.to(address), connections.describe(address));
  }

  /** Says where the services are and how they are reached. */
  public static final class Builder {
    private String router = "127.0.0.1:50052";
    private String scorer = "127.0.0.1:50051";
    private String judge = "127.0.0.1:50053";
    private ChannelCredentials tls;
    private Supplier<String> token;
    private boolean plaintextToken;
    private boolean gzip;
    private boolean proxy;
    private final List<ClientInterceptor> interceptors = new ArrayList<>();

    private Builder() {}

    /** Sets the router's address, {@code host:port}. */
    public Builder router(String address) {
      router = address;
      return this;
    }

    /** Sets the scorer's address. */
    public Builder scorer(String address) {
      scorer = address;
      return this;
    }

    /** Sets the judge's address. */
    public Builder judge(String address) {
      judge = address;
      return this;
    }

    /** Encrypts; {@code io.grpc.TlsChannelCredentials} makes credentials from PEM files. */
    public Builder tls(ChannelCredentials credentials) {
      tls = credentials;
      return this;
    }

    /**
     * Asks for a token before every call; it travels as {@code authorization: Bearer ...}. Needs TLS. If the
     * supplier throws, the call fails with UNAUTHENTICATED and is not tried again.
     */
    public Builder token(Supplier<String> supplier) {
      token = supplier;
      return this;
    }

    /** Lets the token travel without TLS, for networks that encrypt by themselves, as a service mesh does. */
    public Builder plaintextToken() {
      plaintextToken = true;
      return this;
    }

    /** Compresses requests. Compressed responses are always read. */
    public Builder gzip() {
      gzip = true;
      return this;
    }

    /** Adds an interceptor of every call, e.g. one that sends the {@code traceparent} of a trace. */
    public Builder intercept(ClientInterceptor interceptor) {
      interceptors.add(interceptor);
      return this;
    }

    /** Uses the proxy of the JVM ({@code -Dhttps.proxyHost}). Without this, no proxy is used. */
    public Builder proxy() {
      proxy = true;
      return this;
    }

    /**
     * Returns the client.
     *
     * @throws IllegalStateException there is a token, but neither TLS nor {@link #plaintextToken}
     */
    public RouteMoAClient build() {
      if (token != null && tls == null && !plaintextToken) {
        throw new IllegalStateException("a token needs TLS: it could be read on the way");
      }
      return new RouteMoAClient(this);
    }

    private CallOptions options() {
      CallOptions options = gzip ? CallOptions.DEFAULT.withCompression("gzip") : CallOptions.DEFAULT;
      return token == null ? options : options.withCallCredentials(Connections.bearer(token));
    }
  }
}
