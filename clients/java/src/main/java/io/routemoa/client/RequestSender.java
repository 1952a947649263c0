package io.routemoa.client;

import io.grpc.stub.ClientCallStreamObserver;
import java.util.Iterator;
import java.util.function.Consumer;

/** Sends the requests of a stream from a thread of its own, no faster than the service takes them. */
final class RequestSender<Q> {
  private final Iterator<Q> requests;
  private final Consumer<RuntimeException> onFailure;
  private boolean stopped;

  /** Takes the requests, and who is told if getting one fails. */
  RequestSender(Iterator<Q> requests, Consumer<RuntimeException> onFailure) {
    this.requests = requests;
    this.onFailure = onFailure;
  }

  synchronized void wake() {
    notifyAll();
  }

  synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  void start(ClientCallStreamObserver<Q> call) {
    Thread thread = new Thread(() -> send(call), "routemoa-requests");
    thread.setDaemon(true);
    thread.start();
  }

  private void send(ClientCallStreamObserver<Q> call) {
    try {
      while (requests.hasNext()) {
        if (!awaitReady(call)) {
          return; // the stream is over; reading says why
        }
        call.onNext(requests.next());
      }
      call.onCompleted();
    } catch (InterruptedException interrupted) {
      call.cancel("interrupted", interrupted);
    } catch (RuntimeException failure) {
      if (!isStopped()) {
        onFailure.accept(failure);
      }
    }
  }

  private synchronized boolean awaitReady(ClientCallStreamObserver<Q> call) throws InterruptedException {
    while (!stopped && !call.isReady()) {
      wait();
    }
    return !stopped;
  }

  private synchronized boolean isStopped() {
    return stopped;
  }
}
