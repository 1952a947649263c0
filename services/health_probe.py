"""`python -m services.health_probe host:port [service]`: exits with 0 if it is SERVING, else with 1.

For health checks of containers, and for servers with TLS, which Kubernetes' own gRPC probe does not
support. With `--http` it asks the gateway, and the service is a path such as `/readyz`.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

LIVE_PATH = "/healthz"
_METHOD = "/grpc.health.v1.Health/Check"
_NO_PROXY = ("grpc.enable_http_proxy", 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks the health once, prints the result and returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.http:
        return _check_http(options)
    try:
        with _channel(options) as channel:
            check = channel.unary_unary(
                _METHOD,
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            request = health_pb2.HealthCheckRequest(service=options.service)
            status = check(request, timeout=options.timeout_s).status
    except grpc.RpcError as error:
        sys.stdout.write(f"{error.code().name}: {error.details()}\n")
        return 1
    except OSError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(health_pb2.HealthCheckResponse.ServingStatus.Name(status) + "\n")
    return 0 if status == health_pb2.HealthCheckResponse.SERVING else 1


def _check_http(options: argparse.Namespace) -> int:
    host, _, port = options.address.rpartition(":")
    host = host.strip("[]")
    connection = http.client.HTTPConnection(host, int(port), timeout=options.timeout_s)
    try:
        if options.ca_file is not None:
            context = ssl.create_default_context(cafile=options.ca_file)
            if options.certificate_file is not None:
                context.load_cert_chain(options.certificate_file, options.key_file)
            plain = socket.create_connection((host, int(port)), options.timeout_s)
            connection.sock = context.wrap_socket(
                plain, server_hostname=options.server_name or host
            )
        connection.request("GET", options.service or LIVE_PATH)
        serves = connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write("SERVING\n" if serves else "NOT_SERVING\n")
    return 0 if serves else 1


def _channel(options: argparse.Namespace) -> grpc.Channel:
    if options.ca_file is None:
        return grpc.insecure_channel(options.address, options=(_NO_PROXY,))
    credentials = grpc.ssl_channel_credentials(
        options.ca_file.read_bytes(),
        options.key_file.read_bytes() if options.key_file else None,
        options.certificate_file.read_bytes() if options.certificate_file else None,
    )
    name = options.server_name
    override = (("grpc.ssl_target_name_override", name),) if name else ()
    return grpc.secure_channel(options.address, credentials, options=(_NO_PROXY, *override))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.health_probe", description="Checks grpc.health.v1 once."
    )
    add = parser.add_argument
    add("address", metavar="host:port")
    add("service", nargs="?", default="", help="full name, or a path; default: all of it")
    add("--http", action="store_true", help=f"ask the gateway, by default {LIVE_PATH}")
    add("--timeout-s", type=float, default=2.0, help="default: %(default)s")
    add("--ca-file", type=Path, help="PEM file with the CAs to trust; absent: plain text")
    add("--certificate-file", type=Path, help="PEM file with the client certificate")
    add("--key-file", type=Path, help="PEM file with that certificate's key")
    add("--server-name", help="name in the server's certificate, if it is not the host")
    return parser


if __name__ == "__main__":
    sys.exit(main())
