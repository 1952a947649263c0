"""The settings that every service has, and the function that loads them from the environment.

A service's settings are one frozen object. A variable with the service's prefix that no field reads is
an error, since it is a typing mistake that would otherwise go unnoticed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping  # pydantic reads the annotation of a class variable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeVar

import structlog
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from services.rpc.former_settings import Former, Removed, Renamed, conflicts, with_current_names
from services.rpc.telemetry import set_up_logging
from services.rpc.tls import TlsFiles

if TYPE_CHECKING:
    from pydantic import JsonValue
    from pydantic.fields import FieldInfo
    from pydantic_settings import PydanticBaseSettingsSource

ServerConfigT = TypeVar("ServerConfigT", bound="ServerConfig")

EXIT_BAD_CONFIG = 2
_log = structlog.get_logger()

ListenAddress = Annotated[
    str,
    Field(
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$",
        description="Host and port to listen on. Port 0 takes a free one, named in the log.",
    ),
]
"""The type of `ServerConfig.listen_address`; each service gives it a default of its own."""


class ServerConfig(BaseSettings):
    """The settings of the listener, the limits and the logs of any service, gRPC or HTTP."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")
    former_settings: ClassVar[Mapping[str, Former]] = MappingProxyType({})
    """By their old names; accepted with a warning, until the next release."""

    listen_address: ListenAddress = "127.0.0.1:0"
    reuse_port: bool = Field(
        default=False,
        description="Whether other processes of the same user may listen on the port, too. The kernel "
        "then spreads connections over them.",
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None,
        description="Port of the Prometheus endpoint, on the host of the listen address. Absent: no "
        "endpoint.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Lowest level that is logged. Successful calls that change nothing, and calls that "
        "are refused for overload, are logged at debug.",
    )
    max_concurrent_calls: int = Field(
        default=512,
        ge=1,
        description="Most calls in flight. Further ones are refused at once. One tenant, or one host "
        "where there are no tenants, may have seven eighths of them. Calls that only wait for their "
        "caller end when others need their places.",
    )
    drain_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="Time between reporting NOT_SERVING and refusing calls, so that load balancers "
        "notice.",
    )
    drain_timeout_s: float = Field(
        default=20.0, ge=0, description="Time for calls in flight to finish after that."
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM file with the certificate chain. Absent: plain text. Replaced TLS files "
        "apply to new connections.",
    )
    tls_key_file: Path | None = Field(
        default=None, description="PEM file with the certificate's key."
    )
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of clients. If set, clients must show a certificate.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic passes all four by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads the environment, where settings may still have their old names."""
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101  # what pydantic passes here
        prefix = cls.model_config.get("env_prefix", "").lower()
        env_settings.env_vars = with_current_names(
            env_settings.env_vars, prefix, cls.former_settings
        )
        return init_settings, env_settings

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


class ServiceConfig(ServerConfig):
    """The settings of any gRPC service."""

    former_settings: ClassVar[Mapping[str, Former]] = MappingProxyType(
        {"deadline_floor_ms": Removed("2 ms"), "max_connection_age_grace_s": Removed("1 h")}
    )

    reflection: bool = Field(default=True, description="Whether gRPC reflection is served.")
    max_connection_age_s: float = Field(
        default=45.0,
        gt=0,
        allow_inf_nan=False,
        description="Age of a connection, give or take a tenth, at which the client is asked to open "
        "a new one, so that it finds servers that were added.",
    )


def load_config(kind: type[ServerConfigT], arguments: list[str]) -> ServerConfigT:
    """Returns the settings, or prints every problem and exits with status 2.

    Settings by an old name are logged.

    Args:
        kind: The service's settings class.
        arguments: The command line without the program; `--print-config` prints the settings.
    """
    prefix = kind.model_config.get("env_prefix", "").lower()
    variables = {name.lower(): value for name, value in os.environ.items()}
    problems = _unread_variables(kind)
    problems += conflicts(variables, prefix, kind.former_settings)
    config: ServerConfigT | None = None
    try:
        config = kind()
    except ValidationError as error:
        problems += [
            f"{_variable(kind, item['loc'], variables)}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
    problems += [
        f"unknown argument {argument}" for argument in arguments if argument != "--print-config"
    ]
    if problems or config is None:
        sys.stderr.write("The configuration has problems:\n")
        sys.stderr.writelines(f"  - {problem}\n" for problem in problems)
        raise SystemExit(EXIT_BAD_CONFIG)
    _warn_of_former_settings(config, variables)
    if arguments:
        sys.stdout.write(json.dumps(_flat(config), indent=2) + "\n")
        raise SystemExit(0)
    return config


def settings_of(kind: type[ServerConfig]) -> dict[str, FieldInfo]:
    """Returns every setting by its name, which is its variable's name without the prefix.

    A setting of a group has the group's name before its own.
    """
    found: dict[str, FieldInfo] = {}
    for name, field in kind.model_fields.items():
        group = group_of(field)
        if group is None:
            found[name] = field
        else:
            found |= {f"{name}_{inner}": item for inner, item in group.model_fields.items()}
    return found


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """Returns the class of a group of settings; None for a single setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _flat(config: ServerConfig) -> dict[str, JsonValue]:
    flat: dict[str, JsonValue] = {}
    for name, value in config.model_dump(mode="json").items():
        if group_of(type(config).model_fields[name]) is None:
            flat[name] = value
        else:
            flat |= {f"{name}_{inner}": item for inner, item in value.items()}
    return flat


def _variable(
    kind: type[ServerConfig], location: tuple[int | str, ...], variables: Mapping[str, str]
) -> str:
    """Returns the variable that a validation error is about, by the name that it was set by."""
    prefix = kind.model_config.get("env_prefix", "")
    parts = [str(part) for part in location]
    if parts and group_of(kind.model_fields[parts[0]]) is not None:
        parts[:2] = ["_".join(parts[:2])]
    for old, change in kind.former_settings.items():
        set_by_old_name = f"{prefix}{old}".lower() in variables
        if parts and isinstance(change, Renamed) and change.name == parts[0] and set_by_old_name:
            parts[0] = old
    return f"{prefix}{'.'.join(parts)}".upper()


def _unread_variables(kind: type[ServerConfig]) -> list[str]:
    prefix = kind.model_config.get("env_prefix", "")
    known = {f"{prefix}{name}".upper() for name in (*settings_of(kind), *kind.former_settings)}
    return [
        f"{name}: no setting of that name"
        for name in sorted(os.environ)
        if prefix and name.upper().startswith(prefix.upper()) and name.upper() not in known
    ]


def _warn_of_former_settings(config: ServerConfig, variables: Mapping[str, str]) -> None:
    prefix = config.model_config.get("env_prefix", "")
    former = config.former_settings
    used = [old for old in former if f"{prefix}{old}".lower() in variables]
    if used:
        set_up_logging(config.log_level)
    for old in used:
        change, name = former[old], f"{prefix}{old}".upper()
        if isinstance(change, Renamed):
            _log.warning("setting_renamed", old=name, new=f"{prefix}{change.name}".upper())
        else:
            _log.warning(
                "setting_removed",
                old=name,
                message=f"no longer a setting; the value {change.fixed_value} is fixed",
            )
