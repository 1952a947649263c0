package io.routemoa.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.routemoa.v1.ErrorReason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What every call of a client fails with; {@link #reason()} says why. */
public class RouteMoAException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String DOMAIN = "routemoa.v1";

  private final String reasonName;
  private final Status.Code code;
  private final transient Map<String, String> metadata;
  private final transient List<FieldViolation> violations;
  private final Duration retryDelay;

  RouteMoAException(
      String message,
      Throwable cause,
      Status.Code code,
      ErrorInfo info,
      List<FieldViolation> violations,
      Duration retryDelay) {
    super(message, cause);
    this.code = code;
    this.reasonName = info.getReason();
    this.metadata = Map.copyOf(info.getMetadataMap());
    this.violations = List.copyOf(violations);
    this.retryDelay = retryDelay;
  }

  /**
   * Returns the typed form of gRPC's error.
   *
   * @param where names the address and how it is spoken to
   */
  static RouteMoAException of(Throwable error, String where) {
    Status status = Status.fromThrowable(error);
    com.google.rpc.Status details = StatusProto.fromThrowable(error);
    List<Any> packed = details == null ? List.of() : details.getDetailsList();
    Optional<ErrorInfo> info =
        detail(packed, ErrorInfo.class).filter(found -> found.getDomain().equals(DOMAIN));
    if (info.isEmpty()) {
      return new TransportException(transportMessage(status, where), error, status.getCode());
    }
    List<FieldViolation> violations =
        detail(packed, BadRequest.class).map(BadRequest::getFieldViolationsList).orElse(List.of()).stream()
            .map(found -> new FieldViolation(found.getField(), found.getDescription()))
            .toList();
    Duration delay =
        detail(packed, RetryInfo.class)
            .map(RetryInfo::getRetryDelay)
            .map(found -> Duration.ofSeconds(found.getSeconds(), found.getNanos()))
            .orElse(null);
    return new RouteMoAException(
        details.getMessage(), error, status.getCode(), info.get(), violations, delay);
  }

  /** The reason; {@code UNRECOGNIZED} if it is newer than this client. */
  public ErrorReason reason() {
    try {
      return ErrorReason.valueOf(reasonName);
    } catch (IllegalArgumentException newer) {
      return ErrorReason.UNRECOGNIZED;
    }
  }

  /** The reason's name as the service sent it; empty where no RouteMoA service said why. */
  public String reasonName() {
    return reasonName;
  }

  /** The gRPC status code. */
  public Status.Code code() {
    return code;
  }

  /** Everything variable in the message, for a program. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** What is wrong with the request, all of it. */
  public List<FieldViolation> violations() {
    return violations;
  }

  /** The time after which another try is worth it, if the service gave one. */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(retryDelay);
  }

  /** Whether the same call may succeed if it is made again, and costs nothing twice. */
  public boolean retryable() {
    return switch (reason()) {
      case ERROR_REASON_OVERLOADED,
          ERROR_REASON_DRAINING,
          ERROR_REASON_BUDGET_STORE_UNAVAILABLE ->
          true;
      default -> false;
    };
  }

  private static String transportMessage(Status status, String where) {
    StringBuilder text = new StringBuilder();
    if (status.getCode() == Status.Code.UNAVAILABLE) {
      text.append(where).append(": ");
    }
    text.append(status.getDescription() == null ? status.getCode() : status.getDescription());
    if (status.getCause() != null) {
      text.append(": ").append(status.getCause().getMessage());
    }
    return text.toString();
  }

  private static <T extends Message> Optional<T> detail(List<Any> packed, Class<T> kind) {
    for (Any detail : packed) {
      if (detail.is(kind)) {
        try {
          return Optional.of(detail.unpack(kind));
        } catch (InvalidProtocolBufferException malformed) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }
}
