"""The settings of the judge service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.judge.fusion import Weights
from services.rpc.config import ListenAddress, ServiceConfig


class JudgeServiceConfig(ServiceConfig):
    """The settings of the judge, besides those of every service."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_JUDGE_")

    listen_address: ListenAddress = "127.0.0.1:50053"
    answer_artifact: Path | None = Field(
        default=None,
        description="Directory of an answer scorer, which reads the texts of the answers; it is "
        "reloaded when it changes. Absent: no text is read. The judge needs numpy for it.",
    )
    prior_weight: float = Field(
        default=0.5,
        gt=0,
        allow_inf_nan=False,
        description="Weight of the scorer's score. Above zero, since it is the only score that "
        "always exists.",
    )
    self_weight: float = Field(
        default=0.1,
        ge=0,
        allow_inf_nan=False,
        description="Weight of a model's score of its own answer. Small, since a model may flatter "
        "itself.",
    )
    cross_weight: float = Field(
        default=0.4,
        ge=0,
        allow_inf_nan=False,
        description="Weight of the median grade by the other models.",
    )

    @property
    def weights(self) -> Weights:
        """The three weights of the fusion."""
        return Weights(prior=self.prior_weight, self_=self.self_weight, cross=self.cross_weight)
