package io.routemoa.client;

import io.routemoa.v1.StreamAnswerRequest;
import java.time.Duration;

final class Example {
  public static void main(String[] arguments) {
    var question = Messages.user("Why is the sky blue?");
    var request = StreamAnswerRequest.newBuilder().addMessages(question).build();
    try (var client = RouteMoAClient.builder().router("127.0.0.1:50052").build();
        var events = client.withTimeout(Duration.ofSeconds(30)).streamAnswer(request)) {
      for (var event : events) {
        System.out.print(event.getDelta().getText());
      }
    } catch (RouteMoAException error) {
      System.err.println(error.reason() + " " + error.getMessage());
    }
  }
}
