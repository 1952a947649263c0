package io.routemoa.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.routemoa.v1.Answer;
import io.routemoa.v1.AnswerDelta;
import io.routemoa.v1.AnswerReset;
import io.routemoa.v1.GenerateAnswerResponse;
import io.routemoa.v1.MessagePart;
import io.routemoa.v1.StreamAnswerResponse;
import io.routemoa.v1.ToolCall;
import io.routemoa.v1.ToolCallDelta;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessagesTest {
  @Test
  void textAloneIsContentAndWithMediaAPart() {
    assertEquals("Why?", Messages.user("Why?").getContent());
    MessagePart image = Messages.image(Messages.mediaOf("image/png", new byte[] {1}));
    List<MessagePart> parts = Messages.user("What is it?", image).getParts().getPartsList();
    assertEquals(List.of(Messages.text("What is it?"), image), parts);
  }

  @Test
  void aResultNamesTheCallThatItIsOf() {
    ToolCall call = ToolCall.newBuilder().setToolCallId("1").build();
    assertEquals("1", Messages.toolResult(call, "4").getToolCallId());
  }

  @Test
  void aStreamedAnswerIsWhatWasSaidSinceTheLastReset() {
    StreamedAnswer streamed = new StreamedAnswer();
    streamed.add(delta(AnswerDelta.newBuilder().setText("wrong")));
    streamed.add(
        StreamAnswerResponse.newBuilder().setReset(AnswerReset.getDefaultInstance()).build());
    streamed.add(delta(piece(1, "b", "{}")));
    streamed.add(delta(piece(0, "a", "{")));
    streamed.add(delta(piece(0, "", "}")));
    Answer account = Answer.newBuilder().setModelId("m").setText("said already").build();
    streamed.add(
        StreamAnswerResponse.newBuilder()
            .setResult(GenerateAnswerResponse.newBuilder().setAnswer(account))
            .build());
    Answer expected =
        Answer.newBuilder()
            .setModelId("m")
            .addToolCalls(ToolCall.newBuilder().setToolCallId("a").setArgumentsJson("{}"))
            .addToolCalls(ToolCall.newBuilder().setToolCallId("b").setArgumentsJson("{}"))
            .build();
    assertEquals(expected, streamed.answer());
  }

  private static StreamAnswerResponse delta(AnswerDelta.Builder delta) {
    return StreamAnswerResponse.newBuilder().setDelta(delta).build();
  }

  private static AnswerDelta.Builder piece(int index, String id, String text) {
    ToolCallDelta.Builder call = ToolCallDelta.newBuilder().setCallIndex(index).setToolCallId(id);
    return AnswerDelta.newBuilder().addToolCalls(call.setArgumentsJson(text));
  }
}
