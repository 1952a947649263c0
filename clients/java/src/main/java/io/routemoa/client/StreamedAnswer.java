package io.routemoa.client;

import io.routemoa.v1.Answer;
import io.routemoa.v1.AnswerDelta;
import io.routemoa.v1.StreamAnswerResponse;
import io.routemoa.v1.TokenLogProbability;
import io.routemoa.v1.ToolCall;
import io.routemoa.v1.ToolCallDelta;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Collects the answer of a stream from its deltas. Not safe for concurrent use. */
public final class StreamedAnswer {
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder refusal = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private final List<TokenLogProbability> logProbabilities = new ArrayList<>();
  private final SortedMap<Integer, ToolCall.Builder> calls = new TreeMap<>();
  private Answer account = Answer.getDefaultInstance();

  /** Adds the next event of the stream. Events that say nothing of the answer do no harm. */
  public void add(StreamAnswerResponse event) {
    switch (event.getEventCase()) {
      case DELTA -> append(event.getDelta());
      case RESET -> clear();
      case RESULT -> account = event.getResult().getAnswer();
      default -> {}
    }
  }

  /** Returns the answer since the last reset; after the result also with model, counts and scores. */
  public Answer answer() {
    Answer.Builder answer = account.toBuilder().clearToolCalls().clearLogProbabilities();
    calls.values().forEach(answer::addToolCalls);
    return answer
        .setText(text.toString())
        .setRefusal(refusal.toString())
        .setReasoning(reasoning.toString())
        .addAllLogProbabilities(logProbabilities)
        .build();
  }

  private void append(AnswerDelta delta) {
    text.append(delta.getText());
    refusal.append(delta.getRefusal());
    reasoning.append(delta.getReasoning());
    logProbabilities.addAll(delta.getLogProbabilitiesList());
    for (ToolCallDelta piece : delta.getToolCallsList()) {
      ToolCall.Builder call = calls.computeIfAbsent(piece.getCallIndex(), index -> ToolCall.newBuilder());
      if (call.getToolCallId().isEmpty()) {
        call.setToolCallId(piece.getToolCallId());
      }
      if (call.getName().isEmpty()) {
        call.setName(piece.getName());
      }
      call.setArgumentsJson(call.getArgumentsJson() + piece.getArgumentsJson());
    }
  }

  private void clear() {
    text.setLength(0);
    refusal.setLength(0);
    reasoning.setLength(0);
    logProbabilities.clear();
    calls.clear();
  }
}
