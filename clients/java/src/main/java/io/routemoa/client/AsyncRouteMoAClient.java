package io.routemoa.client;

import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import io.routemoa.v1.AssessAnswersRequest;
import io.routemoa.v1.AssessAnswersResponse;
import io.routemoa.v1.BatchRankModelsRequest;
import io.routemoa.v1.BatchRankModelsResponse;
import io.routemoa.v1.GenerateAnswerRequest;
import io.routemoa.v1.GenerateAnswerResponse;
import io.routemoa.v1.GetRouterInfoRequest;
import io.routemoa.v1.GetRouterInfoResponse;
import io.routemoa.v1.GetScorerInfoRequest;
import io.routemoa.v1.GetScorerInfoResponse;
import io.routemoa.v1.JudgeServiceGrpc;
import io.routemoa.v1.ListModelsRequest;
import io.routemoa.v1.ListModelsResponse;
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
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * {@link RouteMoAClient} with futures in place of waiting. They fail with {@link RouteMoAException};
 * cancelling one cancels its call.
 */
public final class AsyncRouteMoAClient {
  private final RouteMoAClient client;

  AsyncRouteMoAClient(RouteMoAClient client) {
    this.client = client;
  }

  /** See {@link RouteMoAClient#rankModels}. */
  public CompletableFuture<RankModelsResponse> rankModels(RankModelsRequest request) {
    return call(client.scorer, ScorerServiceGrpc.getRankModelsMethod(), request);
  }

  /** See {@link RouteMoAClient#batchRankModels}. */
  public CompletableFuture<BatchRankModelsResponse> batchRankModels(BatchRankModelsRequest request) {
    return call(client.scorer, ScorerServiceGrpc.getBatchRankModelsMethod(), request);
  }

  /** See {@link RouteMoAClient#getScorerInfo}. */
  public CompletableFuture<GetScorerInfoResponse> getScorerInfo() {
    GetScorerInfoRequest request = GetScorerInfoRequest.getDefaultInstance();
    return call(client.scorer, ScorerServiceGrpc.getGetScorerInfoMethod(), request);
  }

  /** See {@link RouteMoAClient#routeQuery}. */
  public CompletableFuture<RouteQueryResponse> routeQuery(RouteQueryRequest request) {
    return call(client.router, RouterServiceGrpc.getRouteQueryMethod(), request);
  }

  /** See {@link RouteMoAClient#generateAnswer}. */
  public CompletableFuture<GenerateAnswerResponse> generateAnswer(GenerateAnswerRequest request) {
    return call(client.router, RouterServiceGrpc.getGenerateAnswerMethod(), request);
  }

  /**
   * Hands every event to a consumer, one after another; the future ends with the stream. An exception of the
   * consumer cancels the call and fails the future.
   */
  public CompletableFuture<Void> streamAnswer(
      StreamAnswerRequest request, Consumer<? super StreamAnswerResponse> consumer) {
    var call =
        client.router.channel().newCall(RouterServiceGrpc.getStreamAnswerMethod(), client.callOptions());
    CompletableFuture<Void> future = cancelling(call);
    Consumer<StreamAnswerResponse> known =
        event -> {
          if (event.getEventCase() != StreamAnswerResponse.EventCase.EVENT_NOT_SET) {
            consumer.accept(event); // else newer than this client
          }
        };
    ClientCalls.asyncServerStreamingCall(
        call, request, new Received<>(client.router.where(), known, future, null));
    return future;
  }

  /**
   * Hands one ranking or error per request to a consumer, in order; see {@link
   * RouteMoAClient#streamRankModels}. The future ends with the stream. An exception of the consumer or of the
   * requests cancels the call and fails the future.
   */
  public CompletableFuture<Void> streamRankModels(
      Iterator<StreamRankModelsRequest> requests, Consumer<? super StreamRankModelsResponse> consumer) {
    var method = ScorerServiceGrpc.getStreamRankModelsMethod();
    var call = client.scorer.channel().newCall(method, client.callOptions());
    CompletableFuture<Void> future = cancelling(call);
    RequestSender<StreamRankModelsRequest> sender =
        new RequestSender<>(
            requests,
            failure -> {
              future.completeExceptionally(failure);
              call.cancel("the requests failed", failure);
            });
    var toService =
        ClientCalls.asyncBidiStreamingCall(
            call, new Received<>(client.scorer.where(), consumer, future, sender));
    sender.start((ClientCallStreamObserver<StreamRankModelsRequest>) toService);
    return future;
  }

  /** See {@link RouteMoAClient#getRouterInfo}. */
  public CompletableFuture<GetRouterInfoResponse> getRouterInfo() {
    GetRouterInfoRequest request = GetRouterInfoRequest.getDefaultInstance();
    return call(client.router, RouterServiceGrpc.getGetRouterInfoMethod(), request);
  }

  /** See {@link RouteMoAClient#listModels}. */
  public CompletableFuture<ListModelsResponse> listModels(ListModelsRequest request) {
    return call(client.router, RouterServiceGrpc.getListModelsMethod(), request);
  }

  /** See {@link RouteMoAClient#recordFeedback}. */
  public CompletableFuture<RecordFeedbackResponse> recordFeedback(RecordFeedbackRequest request) {
    RecordFeedbackRequest whole = RouteMoAClient.whole(request);
    return call(client.router, RouterServiceGrpc.getRecordFeedbackMethod(), whole);
  }

  /** See {@link RouteMoAClient#assessAnswers}. */
  public CompletableFuture<AssessAnswersResponse> assessAnswers(AssessAnswersRequest request) {
    return call(client.judge, JudgeServiceGrpc.getAssessAnswersMethod(), request);
  }

  private <Q, R> CompletableFuture<R> call(
      RouteMoAClient.Target target, MethodDescriptor<Q, R> method, Q request) {
    ClientCall<Q, R> call = target.channel().newCall(method, client.callOptions());
    CompletableFuture<R> future = cancelling(call);
    ClientCalls.asyncUnaryCall(call, request, new Single<>(target.where(), future));
    return future;
  }

  private static <R> CompletableFuture<R> cancelling(ClientCall<?, ?> call) {
    CompletableFuture<R> future = new CompletableFuture<>();
    future.whenComplete(
        (result, error) -> {
          if (future.isCancelled()) {
            call.cancel("cancelled by the caller", null);
          }
        });
    return future;
  }

  private record Single<R>(String where, CompletableFuture<R> future)
      implements StreamObserver<R> {
    @Override
    public void onNext(R response) {
      future.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      future.completeExceptionally(RouteMoAException.of(error, where));
    }

    @Override
    public void onCompleted() {
      // the response came before
    }
  }

  private static final class Received<Q, R> implements ClientResponseObserver<Q, R> {
    private final String where;
    private final Consumer<? super R> consumer;
    private final CompletableFuture<Void> future;
    private final RequestSender<Q> sender;
    private ClientCallStreamObserver<Q> call;

    /** Takes what to do with a stream; {@code sender}, if any, provides its requests. */
    Received(
        String where,
        Consumer<? super R> consumer,
        CompletableFuture<Void> future,
        RequestSender<Q> sender) {
      this.where = where;
      this.consumer = consumer;
      this.future = future;
      this.sender = sender;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> started) {
      call = started;
      if (sender != null) {
        started.setOnReadyHandler(sender::wake);
        future.whenComplete((nothing, error) -> sender.stop());
      }
    }

    @Override
    public void onNext(R message) {
      try {
        consumer.accept(message);
      } catch (RuntimeException failure) {
        future.completeExceptionally(failure);
        call.cancel("the consumer failed", failure);
      }
    }

    @Override
    public void onError(Throwable error) {
      future.completeExceptionally(RouteMoAException.of(error, where));
    }

    @Override
    public void onCompleted() {
      future.complete(null);
    }
  }
}
