"""Settings of the decision records."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RecordSettings(BaseModel):
    """The sink of decision records, and the parts of texts that they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sink: Literal["none", "stdout", "files", "postgres"] = Field(
        default="none", description="Sink of the decision records; `none` writes none."
    )
    keep_text: bool = Field(
        default=False,
        description="Whether records hold the texts of queries and answers. If not, they hold lengths.",
    )
    hash_key_file: Path | None = Field(
        default=None,
        description="File with a key of at least 16 bytes. With it, records hold a keyed hash of the "
        "query, so that equal queries can be found, and feedback is accepted. All routers have the "
        "same key.",
    )
    dir: Path | None = Field(
        default=None, description="For `files`: the directory. Several routers may share it."
    )
    dir_max_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=1024 * 1024,
        description="For `files`: most that finished files of decisions may take, and those of "
        "feedback an eighth of it more. The oldest are removed.",
    )
    postgres_dsn_file: Path | None = Field(
        default=None,
        description="For `postgres`: file with the connection string. It is read anew for each "
        "connection.",
    )

    @model_validator(mode="after")
    def _sink_has_a_place(self) -> Self:
        if self.sink == "files" and self.dir is None:
            raise ValueError("records_sink files needs records_dir")
        if self.sink == "postgres" and self.postgres_dsn_file is None:
            raise ValueError("records_sink postgres needs records_postgres_dsn_file")
        return self

    @property
    def missing_for_feedback(self) -> tuple[str, ...]:
        """The router's settings without which no feedback is kept; empty if it is."""
        needs = {"sink": self.sink != "none", "hash_key_file": self.hash_key_file is not None}
        return tuple(f"records_{name}" for name, given in needs.items() if not given)
