"""Settings that every service has, read once from the environment, and how they are loaded.

A service's settings are one frozen object. A variable with the service's prefix that no field reads is
an error, since it is a typing mistake that would otherwise go unnoticed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.rpc.tls import TlsFiles

ServiceConfigT = TypeVar("ServiceConfigT", bound="ServiceConfig")

EXIT_BAD_CONFIG = 2

ListenAddress = Annotated[
    str,
    Field(
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$",
        description="Host and port to listen on. Port 0 takes a free one, named in the log.",
    ),
]
"""The type of `ServiceConfig.listen_address`; each service gives it a default of its own."""


class ServiceConfig(BaseSettings):
    """What the listener, the guards and the logs of any service need."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    listen_address: ListenAddress = "127.0.0.1:0"
    reuse_port: bool = Field(
        default=False,
        description="Whether other processes of yours may listen on the same port; the kernel then "
        "spreads connections over them.",
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Port of the Prometheus endpoint. Absent: no endpoint."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Least severe level that is logged. Calls that only read and went well, and "
        "those refused for overload, are at debug.",
    )
    reflection: bool = Field(default=True, description="Whether gRPC reflection is served.")
    max_concurrent_calls: int = Field(
        default=512, ge=1, description="Calls in flight above which new ones are refused at once."
    )
    deadline_floor_ms: int = Field(
        default=2, ge=0, description="Calls that allow less time than this are refused unstarted."
    )
    drain_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="Time between reporting NOT_SERVING and refusing calls, so that balancers notice.",
    )
    drain_timeout_s: float = Field(
        default=20.0, ge=0, description="Time that calls in flight have to finish after that."
    )
    max_connection_age_s: float = Field(
        default=45.0,
        gt=0,
        allow_inf_nan=False,
        description="Age, give or take a tenth, at which clients are told to connect anew, so that "
        "they find servers that were added.",
    )
    max_connection_age_grace_s: float = Field(
        default=600.0,
        gt=0,
        allow_inf_nan=False,
        description="Time that calls on such a connection still have. After it they are cut off.",
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM file with the certificate chain. Absent: plain text. Replaced TLS files "
        "are used for every connection from then on.",
    )
    tls_key_file: Path | None = Field(
        default=None, description="PEM file with the certificate's key."
    )
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of clients. If given, clients must show a certificate.",
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file go together")
        if self.tls_client_ca_file is not None and self.tls_certificate_file is None:
            raise ValueError("tls_client_ca_file needs tls_certificate_file and tls_key_file")
        return self

    @property
    def tls(self) -> TlsFiles | None:
        """The server's TLS files; None means plain text."""
        if self.tls_certificate_file is None:
            return None
        return TlsFiles(
            certificate=self.tls_certificate_file,
            key=self.tls_key_file,
            ca=self.tls_client_ca_file,
        )


def load_config(kind: type[ServiceConfigT], arguments: list[str]) -> ServiceConfigT:
    """Returns the settings, or prints every problem and exits with status 2.

    Args:
        kind: The service's settings class.
        arguments: The command line without the program; `--print-config` shows what is in effect.
    """
    problems = _unread_variables(kind)
    config: ServiceConfigT | None = None
    try:
        config = kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems += [
            f"{prefix}{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
    problems += [
        f"unknown argument {argument}" for argument in arguments if argument != "--print-config"
    ]
    if problems or config is None:
        sys.stderr.write("The configuration has problems:\n")
        sys.stderr.writelines(f"  - {problem}\n" for problem in problems)
        raise SystemExit(EXIT_BAD_CONFIG)
    if arguments:
        sys.stdout.write(config.model_dump_json(indent=2) + "\n")
        raise SystemExit(0)
    return config


def _unread_variables(kind: type[ServiceConfig]) -> list[str]:
    prefix = kind.model_config.get("env_prefix", "")
    known = {f"{prefix}{name}".upper() for name in kind.model_fields}
    return [
        f"{name}: no setting of that name"
        for name in sorted(os.environ)
        if prefix and name.upper().startswith(prefix.upper()) and name.upper() not in known
    ]
