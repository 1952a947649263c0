"""Settings of the decision records."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from services.rpc.config import ServiceConfig


class DecisionConfig(ServiceConfig):
    """Where decision records go and what they hold; part of the router's settings."""

    decision_sink: Literal["none", "stdout", "files", "postgres"] = Field(
        default="none", description="Where decision records go."
    )
    decision_log_text: bool = Field(
        default=False,
        description="Whether they hold the texts of queries and answers. Without, they hold lengths.",
    )
    decision_hash_key_file: Path | None = Field(
        default=None,
        description="File with a key of 16 bytes or more. With it, records hold a keyed hash of the "
        "query, by which equal queries are found.",
    )
    decision_buffer_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1024 * 1024,
        description="What records may take that wait to be written. Those beyond it are dropped and "
        "counted; no answer waits.",
    )
    decision_drain_timeout_s: float = Field(
        default=5.0,
        ge=0,
        allow_inf_nan=False,
        description="Time to write what waits when the router ends.",
    )
    decision_dir: Path | None = Field(
        default=None, description="Of `files`: the directory. Several routers may share it."
    )
    decision_file_max_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1024 * 1024,
        description="Of `files`: size at which a file is finished and compressed.",
    )
    decision_file_max_age_s: float = Field(
        default=3600.0,
        gt=0,
        allow_inf_nan=False,
        description="Of `files`: age at which the next record has it finished.",
    )
    decision_dir_max_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=1024 * 1024,
        description="Of `files`: what finished files may take; the oldest are removed.",
    )
    decision_postgres_dsn_file: Path | None = Field(
        default=None,
        description="Of `postgres`: file with the connection string, read anew for each connection.",
    )

    @model_validator(mode="after")
    def _decision_sink_is_whole(self) -> Self:
        if self.decision_sink == "files" and self.decision_dir is None:
            raise ValueError("decision_sink files needs decision_dir")
        if self.decision_sink == "postgres" and self.decision_postgres_dsn_file is None:
            raise ValueError("decision_sink postgres needs decision_postgres_dsn_file")
        return self
