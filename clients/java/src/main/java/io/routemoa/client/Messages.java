package io.routemoa.client;

import com.google.protobuf.ByteString;
import io.routemoa.v1.Answer;
import io.routemoa.v1.Media;
import io.routemoa.v1.Message;
import io.routemoa.v1.MessagePart;
import io.routemoa.v1.MessageParts;
import io.routemoa.v1.Role;
import io.routemoa.v1.Tool;
import io.routemoa.v1.ToolCall;
import java.util.List;

/** Makes the messages, media and tools of a request. */
public final class Messages {
  private Messages() {}

  /** Returns instructions for the models. */
  public static Message system(String text) {
    return Message.newBuilder().setRole(Role.ROLE_SYSTEM).setContent(text).build();
  }

  /** Returns a turn of the user: text, and media or more text after it. */
  public static Message user(String text, MessagePart... parts) {
    Message.Builder message = Message.newBuilder().setRole(Role.ROLE_USER);
    if (parts.length == 0) {
      return message.setContent(text).build();
    }
    MessageParts.Builder all = MessageParts.newBuilder().addParts(text(text));
    return message.setParts(all.addAllParts(List.of(parts))).build();
  }

  /** Returns an answer as a turn of the conversation, with its calls to tools. */
  public static Message assistant(Answer answer) {
    return Message.newBuilder()
        .setRole(Role.ROLE_ASSISTANT)
        .setContent(answer.getText())
        .addAllToolCalls(answer.getToolCallsList())
        .build();
  }

  /** Returns the result of a call that a model asked for. */
  public static Message toolResult(ToolCall call, String result) {
    return Message.newBuilder()
        .setRole(Role.ROLE_TOOL)
        .setContent(result)
        .setToolCallId(call.getToolCallId())
        .build();
  }

  /** Returns text as a part of a message. */
  public static MessagePart text(String text) {
    return MessagePart.newBuilder().setText(text).build();
  }

  /** Returns an image as a part of a message. */
  public static MessagePart image(Media media) {
    return MessagePart.newBuilder().setImage(media).build();
  }

  /** Returns speech or sound as a part of a message. */
  public static MessagePart audio(Media media) {
    return MessagePart.newBuilder().setAudio(media).build();
  }

  /** Returns a document as a part of a message. */
  public static MessagePart file(Media media) {
    return MessagePart.newBuilder().setFile(media).build();
  }

  /** Returns a medium at a URL, which goes to the models' backends as it is. */
  public static Media mediaAt(String url) {
    return Media.newBuilder().setUrl(url).build();
  }

  /** Returns a medium by its bytes, e.g. of the type {@code image/png}. */
  public static Media mediaOf(String mediaType, byte[] data) {
    return Media.newBuilder().setMediaType(mediaType).setData(ByteString.copyFrom(data)).build();
  }

  /** Returns a tool; {@code parametersJson} is the JSON schema of its arguments, empty if it has none. */
  public static Tool tool(String name, String description, String parametersJson) {
    return Tool.newBuilder()
        .setName(name)
        .setDescription(description)
        .setParametersJson(parametersJson)
        .build();
  }
}
