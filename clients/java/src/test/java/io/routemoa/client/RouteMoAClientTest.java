package io.routemoa.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.EquivalentAddressGroup;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.routemoa.v1.AnswerDelta;
import io.routemoa.v1.FeedbackSource;
import io.routemoa.v1.GenerateAnswerRequest;
import io.routemoa.v1.ListModelsRequest;
import io.routemoa.v1.ListModelsResponse;
import io.routemoa.v1.Model;
import io.routemoa.v1.RankModelsRequest;
import io.routemoa.v1.RankModelsResponse;
import io.routemoa.v1.RecordFeedbackRequest;
import io.routemoa.v1.RecordFeedbackResponse;
import io.routemoa.v1.RouterServiceGrpc;
import io.routemoa.v1.ScorerServiceGrpc;
import io.routemoa.v1.StreamAnswerRequest;
import io.routemoa.v1.StreamAnswerResponse;
import io.routemoa.v1.StreamRankModelsRequest;
import io.routemoa.v1.StreamRankModelsResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RouteMoAClientTest {
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final List<RecordFeedbackRequest> feedback =
      Collections.synchronizedList(new ArrayList<>());
  private final Set<Object> asked = ConcurrentHashMap.newKeySet();
  private final List<Server> servers = new ArrayList<>();
  private RouteMoAClient client;

  @BeforeEach
  void start() throws IOException {
    String address = serve();
    client = RouteMoAClient.builder().router(address).scorer(address).judge(address).build();
  }

  @AfterEach
  void stop() {
    client.close();
    servers.forEach(Server::shutdownNow);
  }

  private String serve() throws IOException {
    Server server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(new EndlessRouter())
            .addService(new EchoingScorer())
            .addService(new HealthStatusManager().getHealthService())
            .build()
            .start();
    servers.add(server);
    return "127.0.0.1:" + server.getPort();
  }

  @Test
  void theWholePoolIsListedPageAfterPage() {
    List<String> ids = client.models().stream().map(Model::getModelId).toList();
    assertEquals(List.of("model-0", "model-1", "model-2"), ids);
  }

  @Test
  void feedbackHasAnIdOfItsOwnAndIsAUsersUnlessTold() {
    RecordFeedbackRequest request =
        RecordFeedbackRequest.newBuilder().setDecisionId("d").setScore(0).build();
    client.recordFeedback(request);
    client.async().recordFeedback(request).join();
    RecordFeedbackRequest whole =
        request.toBuilder()
            .setFeedbackId("f")
            .setSource(FeedbackSource.FEEDBACK_SOURCE_CHECKER)
            .build();
    client.recordFeedback(whole);
    RecordFeedbackRequest first = feedback.get(0);
    assertFalse(first.getFeedbackId().isEmpty());
    assertNotEquals(first.getFeedbackId(), feedback.get(1).getFeedbackId());
    assertEquals(FeedbackSource.FEEDBACK_SOURCE_USER, first.getSource());
    assertTrue(first.hasScore());
    assertEquals(whole, feedback.get(2));
  }

  @Test
  void callsAreSpreadOverAllAddressesOfAName() throws IOException {
    serve();
    Pods pods = new Pods(servers.stream().map(Server::getPort).toList());
    NameResolverRegistry.getDefaultRegistry().register(pods);
    try (RouteMoAClient spread = RouteMoAClient.builder().router("pods:///router").build()) {
      while (asked.size() < 2) { // until the test's timeout
        spread.listModels(ListModelsRequest.getDefaultInstance());
      }
    } finally {
      NameResolverRegistry.getDefaultRegistry().deregister(pods);
    }
  }

  @Test
  void closingAStreamCancelsItOnTheServer() throws InterruptedException {
    try (var events = client.streamAnswer(StreamAnswerRequest.getDefaultInstance())) {
      assertEquals("x", events.next().getDelta().getText());
    }
    assertTrue(cancelled.await(5, TimeUnit.SECONDS));
  }

  @Test
  void cancellingAFutureCancelsTheStreamOnTheServer() throws InterruptedException {
    CountDownLatch first = new CountDownLatch(1);
    CompletableFuture<Void> whole =
        client.async().streamAnswer(StreamAnswerRequest.getDefaultInstance(), event -> first.countDown());
    assertTrue(first.await(5, TimeUnit.SECONDS));
    whole.cancel(true);
    assertTrue(cancelled.await(5, TimeUnit.SECONDS));
  }

  @Test
  void aConsumerThatFailsCancelsTheStreamAndFailsTheFuture() throws InterruptedException {
    CompletableFuture<Void> whole =
        client
            .async()
            .streamAnswer(
                StreamAnswerRequest.getDefaultInstance(),
                event -> {
                  throw new IllegalArgumentException("cannot show it");
                });
    CompletionException failure = assertThrows(CompletionException.class, whole::join);
    assertInstanceOf(IllegalArgumentException.class, failure.getCause());
    assertTrue(cancelled.await(5, TimeUnit.SECONDS));
  }

  @Test
  void cancellingAFutureCancelsACallThatWaits() throws InterruptedException {
    CompletableFuture<RankModelsResponse> ranking =
        client.async().rankModels(RankModelsRequest.newBuilder().setQuery("Why?").build());
    assertTrue(started.await(5, TimeUnit.SECONDS));
    ranking.cancel(true);
    assertTrue(cancelled.await(5, TimeUnit.SECONDS));
  }

  @Test
  void moreQueriesThanTheConnectionHoldsAreRankedInOrder() {
    StreamRankModelsRequest request =
        StreamRankModelsRequest.newBuilder()
            .setRequest(RankModelsRequest.newBuilder().setQuery("x".repeat(1000)))
            .build();
    Iterator<StreamRankModelsRequest> requests = Collections.nCopies(400, request).iterator();
    long next = 0;
    try (var rankings = client.streamRankModels(requests)) {
      for (StreamRankModelsResponse ranking : rankings) {
        assertEquals(next++, ranking.getRequestIndex());
      }
    }
    assertEquals(400, next);
  }

  @Test
  void anErrorOfTheCallersOwnQueriesComesOutOfTheStream() {
    try (var rankings = client.streamRankModels(failing())) {
      assertThrows(ArithmeticException.class, () -> rankings.forEach(ranking -> {}));
    }
  }

  @Test
  void anErrorOfTheCallersOwnQueriesFailsTheFuture() {
    CompletableFuture<Void> whole = client.async().streamRankModels(failing(), ranking -> {});
    CompletionException failure = assertThrows(CompletionException.class, whole::join);
    assertInstanceOf(ArithmeticException.class, failure.getCause());
  }

  /** One request, then an error. */
  private static Iterator<StreamRankModelsRequest> failing() {
    return Stream.of(1, 0)
        .map(divisor -> "x".repeat(1 / divisor))
        .map(query -> RankModelsRequest.newBuilder().setQuery(query))
        .map(request -> StreamRankModelsRequest.newBuilder().setRequest(request).build())
        .iterator();
  }

  @Test
  void nobodyAtTheAddressIsATransportException() {
    try (RouteMoAClient alone = RouteMoAClient.builder().router("127.0.0.1:1").build()) {
      RouteMoAException error =
          assertThrows(
              TransportException.class,
              () -> alone.generateAnswer(GenerateAnswerRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNAVAILABLE, error.code());
      assertTrue(error.getMessage().startsWith("127.0.0.1:1 without TLS: "), error.getMessage());
    }
  }

  @Test
  void aTokenNeedsTls() {
    assertThrows(
        IllegalStateException.class, () -> RouteMoAClient.builder().token(() -> "s3cret").build());
  }

  /** Pages of one model each, and an endless stream of events. */
  private final class EndlessRouter extends RouterServiceGrpc.RouterServiceImplBase {
    @Override
    public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> to) {
      asked.add(this);
      int page = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
      to.onNext(
          ListModelsResponse.newBuilder()
              .addModels(Model.newBuilder().setModelId("model-" + page))
              .setNextPageToken(page < 2 ? String.valueOf(page + 1) : "")
              .build());
      to.onCompleted();
    }

    @Override
    public void recordFeedback(RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> to) {
      feedback.add(request);
      to.onNext(RecordFeedbackResponse.getDefaultInstance());
      to.onCompleted();
    }

    @Override
    public void streamAnswer(StreamAnswerRequest request, StreamObserver<StreamAnswerResponse> to) {
      var call = (ServerCallStreamObserver<StreamAnswerResponse>) to;
      call.setOnCancelHandler(cancelled::countDown);
      AnswerDelta delta = AnswerDelta.newBuilder().setText("x").build();
      call.setOnReadyHandler(
          () -> {
            for (int left = 10; left > 0 && call.isReady(); left--) {
              call.onNext(StreamAnswerResponse.newBuilder().setDelta(delta).build());
            }
          });
    }
  }

  /** An echo of every query's place; single rankings never come. */
  private final class EchoingScorer extends ScorerServiceGrpc.ScorerServiceImplBase {
    @Override
    public void rankModels(RankModelsRequest request, StreamObserver<RankModelsResponse> to) {
      ((ServerCallStreamObserver<RankModelsResponse>) to).setOnCancelHandler(cancelled::countDown);
      started.countDown(); // and never answers
    }

    @Override
    public StreamObserver<StreamRankModelsRequest> streamRankModels(
        StreamObserver<StreamRankModelsResponse> to) {
      return new StreamObserver<>() {
        private long index;

        @Override
        public void onNext(StreamRankModelsRequest request) {
          to.onNext(StreamRankModelsResponse.newBuilder().setRequestIndex(index++).build());
        }

        @Override
        public void onError(Throwable error) {
          // the caller has gone
        }

        @Override
        public void onCompleted() {
          to.onCompleted();
        }
      };
    }
  }

  /** Resolves names to ports of this machine, as a headless service's name is resolved to pods. */
  private static final class Pods extends NameResolverProvider {
    private final List<EquivalentAddressGroup> addresses;

    Pods(List<Integer> ports) {
      addresses =
          ports.stream()
              .map(port -> new EquivalentAddressGroup(new InetSocketAddress("127.0.0.1", port)))
              .toList();
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args arguments) {
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "router";
        }

        @Override
        public void start(Listener2 listener) {
          var found = ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(addresses));
          listener.onResult(found.build());
        }

        @Override
        public void shutdown() {
          // holds nothing
        }
      };
    }

    @Override
    public String getDefaultScheme() {
      return "pods";
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }
  }
}
