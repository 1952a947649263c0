package io.routemoa.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import io.routemoa.v1.AssessAnswersRequest;
import io.routemoa.v1.BatchRankModelsRequest;
import io.routemoa.v1.GenerateAnswerRequest;
import io.routemoa.v1.ListModelsRequest;
import io.routemoa.v1.RankModelsRequest;
import io.routemoa.v1.RecordFeedbackRequest;
import io.routemoa.v1.RouteQueryRequest;
import io.routemoa.v1.StreamAnswerRequest;
import io.routemoa.v1.StreamAnswerResponse;
import io.routemoa.v1.StreamRankModelsRequest;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Drives the client for the conformance suite: reads calls to make as lines of JSON and writes what came of
 * them. With {@code --async} calls go through {@link AsyncRouteMoAClient}.
 */
final class ConformanceDriver {
  private final boolean async;

  private ConformanceDriver(boolean async) {
    this.async = async;
  }

  public static void main(String[] arguments) throws IOException {
    ConformanceDriver driver = new ConformanceDriver(List.of(arguments).contains("--async"));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 20);
    RouteMoAClient client = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      if (client != null) {
        client.close(); // it lives until the next line, as its calls may go on
      }
      client = open(command);
      out.println(driver.outcome(client, command));
    }
    if (client != null) {
      client.close();
    }
  }

  private JsonObject outcome(RouteMoAClient client, JsonObject command) throws IOException {
    RouteMoAClient named = client.withRequestId(command.get("request_id").getAsString());
    if (command.has("timeout_ms")) {
      named = named.withTimeout(Duration.ofMillis(command.get("timeout_ms").getAsLong()));
    }
    List<Message> responses = new ArrayList<>();
    JsonElement failure = JsonNull.INSTANCE;
    for (int left = command.has("repeat") ? command.get("repeat").getAsInt() : 1; left > 0; left--) {
      responses.clear();
      failure = JsonNull.INSTANCE;
      try {
        run(named, command, responses);
      } catch (RouteMoAException error) {
        failure = shown(error);
      } catch (CompletionException error) {
        failure = shown((RouteMoAException) error.getCause());
      }
    }
    JsonArray written = new JsonArray();
    for (Message response : responses) {
      written.add(JsonParser.parseString(JsonFormat.printer().print(response)));
    }
    JsonObject outcome = new JsonObject();
    outcome.add("responses", written);
    outcome.add("error", failure);
    StreamedAnswer streamed = new StreamedAnswer();
    for (Message response : responses) {
      if (response instanceof StreamAnswerResponse event) {
        streamed.add(event);
      }
    }
    outcome.add("answer", JsonParser.parseString(JsonFormat.printer().print(streamed.answer())));
    return outcome;
  }

  private void run(RouteMoAClient client, JsonObject command, List<Message> responses) throws IOException {
    JsonArray requests = command.getAsJsonArray("requests");
    JsonElement first = requests.get(0);
    int stopAfter = command.has("stop_after") ? command.get("stop_after").getAsInt() : -1;
    AsyncRouteMoAClient later = client.async();
    switch (command.get("method").getAsString()) {
      case "RankModels" -> {
        RankModelsRequest request = read(first, RankModelsRequest.newBuilder()).build();
        responses.add(async ? later.rankModels(request).join() : client.rankModels(request));
      }
      case "BatchRankModels" -> {
        BatchRankModelsRequest request = read(first, BatchRankModelsRequest.newBuilder()).build();
        responses.add(async ? later.batchRankModels(request).join() : client.batchRankModels(request));
      }
      case "GetScorerInfo" ->
          responses.add(async ? later.getScorerInfo().join() : client.getScorerInfo());
      case "GetRouterInfo" ->
          responses.add(async ? later.getRouterInfo().join() : client.getRouterInfo());
      case "RouteQuery" -> {
        RouteQueryRequest request = read(first, RouteQueryRequest.newBuilder()).build();
        responses.add(async ? later.routeQuery(request).join() : client.routeQuery(request));
      }
      case "GenerateAnswer" -> {
        GenerateAnswerRequest request = read(first, GenerateAnswerRequest.newBuilder()).build();
        responses.add(async ? later.generateAnswer(request).join() : client.generateAnswer(request));
      }
      case "ListModels" -> {
        ListModelsRequest request = read(first, ListModelsRequest.newBuilder()).build();
        responses.add(async ? later.listModels(request).join() : client.listModels(request));
      }
      case "RecordFeedback" -> {
        RecordFeedbackRequest request = read(first, RecordFeedbackRequest.newBuilder()).build();
        responses.add(async ? later.recordFeedback(request).join() : client.recordFeedback(request));
      }
      case "AssessAnswers" -> {
        AssessAnswersRequest request = read(first, AssessAnswersRequest.newBuilder()).build();
        responses.add(async ? later.assessAnswers(request).join() : client.assessAnswers(request));
      }
      case "StreamAnswer" -> {
        StreamAnswerRequest request = read(first, StreamAnswerRequest.newBuilder()).build();
        if (async) {
          collect(consumer -> later.streamAnswer(request, consumer), responses, stopAfter);
        } else {
          collect(client.streamAnswer(request), responses, stopAfter);
        }
      }
      case "StreamRankModels" -> {
        List<StreamRankModelsRequest> all = new ArrayList<>();
        for (JsonElement request : requests) {
          all.add(read(request, StreamRankModelsRequest.newBuilder()).build());
        }
        if (async) {
          collect(
              consumer -> later.streamRankModels(all.iterator(), consumer), responses, stopAfter);
        } else {
          collect(client.streamRankModels(all.iterator()), responses, stopAfter);
        }
      }
      default -> throw new IllegalArgumentException(command.get("method").getAsString());
    }
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private static void collect(
      MessageStream<? extends Message> stream, List<Message> responses, int stopAfter) {
    try (stream) {
      for (Message message : stream) {
        responses.add(message);
        if (responses.size() == stopAfter) {
          return;
        }
      }
    }
  }

  private static void collect(
      Function<Consumer<Message>, CompletableFuture<Void>> stream,
      List<Message> responses,
      int stopAfter) {
    CompletableFuture<Void> enough = new CompletableFuture<>();
    CompletableFuture<Void> whole =
        stream.apply(
            message -> {
              if (responses.size() == stopAfter) {
                return; // it was on its way when the call was cancelled
              }
              responses.add(message);
              if (responses.size() == stopAfter) {
                enough.complete(null);
              }
            });
    CompletableFuture.anyOf(whole, enough).join();
    whole.cancel(true);
  }

  private static RouteMoAClient open(JsonObject command) throws IOException {
    String address = command.get("address").getAsString();
    RouteMoAClient.Builder builder = RouteMoAClient.builder().router(address).scorer(address).judge(address);
    if (command.has("security")) {
      JsonObject files = command.getAsJsonObject("security");
      TlsChannelCredentials.Builder tls =
          TlsChannelCredentials.newBuilder().trustManager(new File(files.get("ca_file").getAsString()));
      if (files.has("certificate_file")) {
        tls.keyManager(
            new File(files.get("certificate_file").getAsString()),
            new File(files.get("key_file").getAsString()));
      }
      builder.tls(tls.build());
    }
    if (command.has("token")) {
      String token = command.get("token").getAsString();
      AtomicInteger number = new AtomicInteger();
      builder.token(() -> token + " " + number.incrementAndGet());
    }
    if (command.has("plaintext_token")) {
      builder.plaintextToken();
    }
    if (command.has("metadata")) {
      Metadata headers = new Metadata();
      command
          .getAsJsonObject("metadata")
          .asMap()
          .forEach((name, value) -> headers.put(key(name), value.getAsString()));
      builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    if (command.has("token_failure")) {
      String failure = command.get("token_failure").getAsString();
      AtomicInteger number = new AtomicInteger();
      builder.token(
          () -> {
            throw new IllegalStateException(failure + " " + number.incrementAndGet());
          });
    }
    if (command.has("gzip")) {
      builder.gzip();
    }
    return builder.build();
  }

  private static <B extends Message.Builder> B read(JsonElement json, B builder) throws IOException {
    JsonFormat.parser().merge(json.toString(), builder);
    return builder;
  }

  private static JsonObject shown(RouteMoAException error) {
    JsonObject shown = new JsonObject();
    shown.addProperty("reason", error.reasonName());
    shown.addProperty("code", error.code().name());
    shown.addProperty("message", error.getMessage());
    JsonObject metadata = new JsonObject();
    error.metadata().forEach(metadata::addProperty);
    shown.add("metadata", metadata);
    JsonArray violations = new JsonArray();
    for (FieldViolation violation : error.violations()) {
      JsonObject item = new JsonObject();
      item.addProperty("field", violation.field());
      item.addProperty("description", violation.description());
      violations.add(item);
    }
    shown.add("violations", violations);
    shown.addProperty("retry_delay_ms", error.retryDelay().map(Duration::toMillis).orElse(null));
    shown.addProperty("retryable", error.retryable());
    return shown;
  }
}
