package io.routemoa.client;

import io.routemoa.v1.GenerateAnswerRequest;

final class ToolsExample {
  public static void main(String[] arguments) {
    var schema = "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}";
    var request = GenerateAnswerRequest.newBuilder().addMessages(Messages.user("Is it cold in Oslo?"));
    request.getOptionsBuilder().addTools(Messages.tool("weather", "Tells the weather.", schema));
    try (var client = RouteMoAClient.builder().router("127.0.0.1:50052").build()) {
      var answer = client.generateAnswer(request.build()).getAnswer();
      while (answer.getToolCallsCount() > 0) {
        request.addMessages(Messages.assistant(answer));
        for (var call : answer.getToolCallsList()) {
          request.addMessages(Messages.toolResult(call, "4 degrees: " + call.getArgumentsJson()));
        }
        answer = client.generateAnswer(request.build()).getAnswer();
      }
      System.out.println(answer.getText());
    }
  }
}
