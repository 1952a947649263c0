package io.routemoa.client;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Predicate;

/**
 * The messages of a stream, one after another. Reading waits for the next one and throws a {@link
 * RouteMoAException} where the stream fails. Closing early cancels the call; to be used by one thread.
 *
 * @param <T> the messages
 */
public final class MessageStream<T> implements Iterator<T>, Iterable<T>, AutoCloseable {
  private static final Object END = new Object();

  private final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
  private final Predicate<T> known;
  private final String where;
  private ClientCallStreamObserver<?> call;
  private Object next;
  private volatile RuntimeException sourceError;

  MessageStream(String where, Predicate<T> known) {
    this.where = where;
    this.known = known;
  }

  @Override
  public Iterator<T> iterator() {
    return this;
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      next = taken();
      if (next != END && !(next instanceof Failure) && !known.test(message())) {
        next = null; // newer than this client
        call.request(1);
      }
    }
    if (next instanceof Failure failure) {
      throw sourceError == null ? RouteMoAException.of(failure.error, where) : sourceError;
    }
    return next != END;
  }

  @Override
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    T message = message();
    next = null;
    call.request(1);
    return message;
  }

  @Override
  public void close() {
    call.cancel("left by the caller", null);
  }

  /** Returns what gRPC tells of the call to; `sender`, if any, provides its requests. */
  <Q> ClientResponseObserver<Q, T> observer(RequestSender<Q> sender) {
    return new ClientResponseObserver<>() {
      @Override
      public void beforeStart(ClientCallStreamObserver<Q> started) {
        call = started;
        started.disableAutoRequestWithInitial(1);
        if (sender != null) {
          started.setOnReadyHandler(sender::wake);
        }
      }

      @Override
      public void onNext(T message) {
        received.add(message);
      }

      @Override
      public void onError(Throwable error) {
        received.add(new Failure(error));
        stop();
      }

      @Override
      public void onCompleted() {
        received.add(END);
        stop();
      }

      private void stop() {
        if (sender != null) {
          sender.stop();
        }
      }
    };
  }

  /** Ends the call because the caller's own requests failed; reading throws that failure. */
  void fail(RuntimeException error) {
    sourceError = error;
    call.cancel("the requests failed", error);
  }

  private Object taken() {
    try {
      return received.take();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      close();
      return new Failure(interrupted);
    }
  }

  @SuppressWarnings("unchecked") // the queue holds messages, END and failures
  private T message() {
    return (T) next;
  }

  private record Failure(Throwable error) {}
}
