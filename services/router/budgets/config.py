"""Settings of the budgets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class BudgetSettings(BaseModel):
    """The store of the budgets' counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url_file: Path | None = Field(
        default=None,
        description="File with the URL, password included, of the Redis that keeps the budgets' counts "
        "for all routers (docs/budgets.md). Absent: each router keeps its own counts, in memory.",
    )
    timeout_s: float = Field(
        default=0.5,
        gt=0,
        description="Longest wait for Redis. After it, calls of tenants with a budget are refused.",
    )
