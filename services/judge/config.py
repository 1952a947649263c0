"""The settings of the judge service."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.judge.fusion import Weights
from services.rpc.config import ListenAddress, ServiceConfig


class JudgeServiceConfig(ServiceConfig):
    """What the judge reads from the environment, besides what every service reads."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_JUDGE_")

    listen_address: ListenAddress = "127.0.0.1:50053"
    prior_weight: float = Field(
        default=0.5,
        gt=0,
        allow_inf_nan=False,
        description="Weight of the scorer's score. Above zero: it is the only score always there.",
    )
    self_weight: float = Field(
        default=0.1,
        ge=0,
        allow_inf_nan=False,
        description="Weight of a model's score of itself. Small: a model may flatter itself.",
    )
    cross_weight: float = Field(
        default=0.4,
        ge=0,
        allow_inf_nan=False,
        description="Weight of the median of the grades that other models gave.",
    )

    @property
    def weights(self) -> Weights:
        """The three weights as the fusion takes them."""
        return Weights(prior=self.prior_weight, self_=self.self_weight, cross=self.cross_weight)
