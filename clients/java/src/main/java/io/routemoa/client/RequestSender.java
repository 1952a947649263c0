package io.routemoa.client;

import io.grpc.stub.ClientCallStreamObserver;
import java.util.Iterator;

/** Sends the requests of a stream from a thread of its own, no faster than the service takes them. */
final class RequestSender<Q> {
  private final Iterator<Q> requests;
  private boolean stopped;

  RequestSender(Iterator<Q> requests) {
    this.requests = requests;
  }

  synchronized void wake() {
    notifyAll();
  }

  synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  void start(ClientCallStreamObserver<Q> call, MessageStream<?> stream) {
    Thread thread = new Thread(() -> send(call, stream), "routemoa-requests");
    thread.setDaemon(true);
    thread.start();
  }

  private void send(ClientCallStreamObserver<Q> call, MessageStream<?> stream) {
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
        stream.fail(failure);
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
