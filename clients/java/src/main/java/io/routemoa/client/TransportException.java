package io.routemoa.client;

import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import java.util.List;

/** No RouteMoA service said why the call failed: nobody answered, or not in time. */
public final class TransportException extends RouteMoAException {
  private static final long serialVersionUID = 1L;

  TransportException(String message, Throwable cause, Status.Code code) {
    super(message, cause, code, ErrorInfo.getDefaultInstance(), List.of(), null);
  }
}
