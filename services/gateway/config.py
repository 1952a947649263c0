"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.rpc.config import ListenAddress, ServerConfig
from services.rpc.tls import TlsFiles


class GatewayServiceConfig(ServerConfig):
    """The settings of the gateway; `ROUTEMOA_GATEWAY_...` in the environment."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_GATEWAY_")

    listen_address: ListenAddress = "127.0.0.1:8080"
    max_concurrent_calls: int = Field(
        default=512,
        ge=1,
        description="Most requests for an answer in flight. Further ones are refused at once.",
    )
    router_address: str = Field(default="127.0.0.1:50052", description="Address of the router.")
    router_tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of the router. Absent: it is called in plain text.",
    )
    router_tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM file with the certificate chain that the gateway shows to the router.",
    )
    router_tls_key_file: Path | None = Field(
        default=None, description="PEM file with that certificate's key."
    )
    router_metrics_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="URL of the router's metrics, from which the console shows the health of "
        "replicas. Absent: it shows only the calls that it has seen.",
    )
    default_timeout_s: float = Field(
        default=120.0,
        gt=0,
        allow_inf_nan=False,
        description="Time for an answer whose caller sent no `x-routemoa-timeout-s`.",
    )
    keep_alive_interval_s: float = Field(
        default=15.0,
        gt=0,
        allow_inf_nan=False,
        description="Time without an event after which a stream gets a comment, so that nothing on "
        "the way takes the connection for dead.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of web pages that may call the APIs, separated by commas; `*` for all. "
        "Absent: only pages of the gateway itself.",
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value

    @model_validator(mode="after")
    def _router_tls_is_whole(self) -> Self:
        certificate, key = self.router_tls_certificate_file, self.router_tls_key_file
        if (certificate is None) != (key is None):
            raise ValueError("router_tls_certificate_file and router_tls_key_file go together")
        if certificate is not None and self.router_tls_ca_file is None:
            raise ValueError("router_tls_certificate_file needs router_tls_ca_file")
        return self

    @property
    def router_tls(self) -> TlsFiles | None:
        """The TLS files for calling the router; None means plain text."""
        if self.router_tls_ca_file is None:
            return None
        return TlsFiles(
            certificate=self.router_tls_certificate_file,
            key=self.router_tls_key_file,
            ca=self.router_tls_ca_file,
        )
