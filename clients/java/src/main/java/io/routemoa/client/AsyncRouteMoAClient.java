package io.routemoa.client;

import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.routemoa.v1.AssessAnswersRequest;
import io.routemoa.v1.AssessAnswersResponse;
import io.routemoa.v1.BatchRankModelsRequest;
import io.routemoa.v1.BatchRankModelsResponse;
import io.routemoa.v1.GenerateAnswerRequest;
import io.routemoa.v1.GenerateAnswerResponse;
import io.routemoa.v1.GetScorerInfoRequest;
import io.routemoa.v1.GetScorerInfoResponse;
import io.routemoa.v1.JudgeServiceGrpc;
import io.routemoa.v1.ListModelsRequest;
import io.routemoa.v1.ListModelsResponse;
import io.routemoa.v1.RankModelsRequest;
import io.routemoa.v1.RankModelsResponse;
import io.routemoa.v1.RouteQueryRequest;
import io.routemoa.v1.RouteQueryResponse;
import io.routemoa.v1.RouterServiceGrpc;
import io.routemoa.v1.ScorerServiceGrpc;
import io.routemoa.v1.StreamAnswerRequest;
import io.routemoa.v1.StreamAnswerResponse;
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
      StreamAnswerRequest request, Consumer<StreamAnswerResponse> consumer) {
    RouteMoAClient.Target target = client.router;
    ClientCall<StreamAnswerRequest, StreamAnswerResponse> call =
        target.channel().newCall(RouterServiceGrpc.getStreamAnswerMethod(), client.callOptions());
    CompletableFuture<Void> future = cancelling(call);
    ClientCalls.asyncServerStreamingCall(call, request, new Events(target.where(), consumer, future));
    return future;
  }

  /** See {@link RouteMoAClient#listModels}. */
  public CompletableFuture<ListModelsResponse> listModels(ListModelsRequest request) {
    return call(client.router, RouterServiceGrpc.getListModelsMethod(), request);
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
      implements io.grpc.stub.StreamObserver<R> {
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

  private static final class Events
      implements ClientResponseObserver<StreamAnswerRequest, StreamAnswerResponse> {
    private final String where;
    private final Consumer<StreamAnswerResponse> consumer;
    private final CompletableFuture<Void> future;
    private ClientCallStreamObserver<StreamAnswerRequest> call;

    Events(String where, Consumer<StreamAnswerResponse> consumer, CompletableFuture<Void> future) {
      this.where = where;
      this.consumer = consumer;
      this.future = future;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamAnswerRequest> started) {
      call = started;
    }

    @Override
    public void onNext(StreamAnswerResponse event) {
      if (event.getEventCase() == StreamAnswerResponse.EventCase.EVENT_NOT_SET) {
        return; // newer than this client
      }
      try {
        consumer.accept(event);
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
