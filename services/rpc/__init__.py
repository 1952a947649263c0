"""The parts of a gRPC service that every service needs, and no logic of RouteMoA's own.

config: Settings of every service, read from the environment.
server: Runs a server: build, listen, serve, drain.
workers: Several processes of one service on one port.
lifeline: Ends a process with the one that started it.
interceptors/: The guards around every call.
standard_services: The standard health and reflection services.
channel: Outbound channels.
breaker: A circuit breaker for a dependency.
validation: Collects the violations of a request.
telemetry: JSON logs and Prometheus metrics.
tracing/: Traces of answers through all services.
credentials: gRPC credentials from TLS files.
tls: Reads and checks TLS files.
reload: A value that is reloaded when its files change.
file_problems: The error of files that cannot be used.
former_settings: Settings that were renamed or removed.
"""
