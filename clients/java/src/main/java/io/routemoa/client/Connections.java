package io.routemoa.client;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** One connection per address, with the retries, limits and names that every call has. */
final class Connections {
  static final CallOptions.Key<String> REQUEST_ID = CallOptions.Key.create("x-request-id");
  static final String VERSION = version();

  /** Room for every model's answer of every layer; gRPC's own limit is an eighth of it. */
  private static final int MAX_RESPONSE_BYTES = 32 << 20;

  private static final Map<String, ?> SERVICE_CONFIG = serviceConfig();
  private static final Metadata.Key<String> REQUEST_ID_HEADER =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Map<String, ManagedChannel> channels = new LinkedHashMap<>();
  private final ChannelCredentials tls;
  private final boolean proxy;
  private final List<ClientInterceptor> interceptors;

  /** Takes TLS credentials, or null for none, whether the proxy of the JVM is used, and interceptors. */
  Connections(ChannelCredentials tls, boolean proxy, List<ClientInterceptor> interceptors) {
    this.tls = tls;
    this.proxy = proxy;
    this.interceptors = List.copyOf(interceptors);
  }

  ManagedChannel to(String address) {
    return channels.computeIfAbsent(address, this::open);
  }

  /** Names an address and how it is spoken to, for errors. */
  String describe(String address) {
    return address + (tls == null ? " without TLS" : " with TLS");
  }

  void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
  }

  private ManagedChannel open(String address) {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(address, tls == null ? InsecureChannelCredentials.create() : tls);
    if (!proxy) {
      builder.proxyDetector(target -> null);
    }
    return builder
        .defaultServiceConfig(SERVICE_CONFIG)
        .disableServiceConfigLookUp()
        .userAgent("routemoa-java/" + VERSION)
        .maxInboundMessageSize(MAX_RESPONSE_BYTES)
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .intercept(interceptors)
        .intercept(new RequestIds())
        .build();
  }

  /** Returns call credentials that ask for a token before every call. */
  static CallCredentials bearer(Supplier<String> token) {
    return new CallCredentials() {
      @Override
      public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
        executor.execute(
            () -> {
              try {
                Metadata headers = new Metadata();
                headers.put(AUTHORIZATION, "Bearer " + token.get());
                applier.apply(headers);
              } catch (RuntimeException failure) {
                String text = "no token: " + failure.getMessage();
                applier.fail(Status.UNAUTHENTICATED.withDescription(text).withCause(failure));
              }
            });
      }
    };
  }

  private static Map<String, ?> serviceConfig() {
    try (InputStream file = resource("service_config.json");
        InputStreamReader text = new InputStreamReader(file, StandardCharsets.UTF_8)) {
      return new Gson().fromJson(text, new TypeToken<Map<String, ?>>() {});
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String version() {
    try (InputStream file = resource("version.properties")) {
      Properties properties = new Properties();
      properties.load(file);
      return properties.getProperty("version");
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static InputStream resource(String name) {
    return Connections.class.getResourceAsStream(name);
  }

  private static final class RequestIds implements ClientInterceptor {
    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          String given = options.getOption(REQUEST_ID);
          headers.put(REQUEST_ID_HEADER, given == null ? UUID.randomUUID().toString() : given);
          super.start(listener, headers);
        }
      };
    }
  }
}
