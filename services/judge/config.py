"""The settings of the judge service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.judge.belief import Weights
from services.rpc.config import ListenAddress, ServiceConfig
from services.rpc.former_settings import Former, Removed


class JudgeServiceConfig(ServiceConfig):
    """The settings of the judge, besides those of every service."""

    model_config = SettingsConfigDict(env_prefix="ROUTEMOA_JUDGE_")

    former_settings: ClassVar[Mapping[str, Former]] = {
        **ServiceConfig.former_settings,
        "prior_weight": Removed("1"),
    }

    listen_address: ListenAddress = "127.0.0.1:50053"
    answer_artifact: Path | None = Field(
        default=None,
        description="Directory of an answer scorer, which reads the texts of the answers; it is "
        "reloaded when it changes. Absent: no text is read. The judge needs numpy for it.",
    )
    self_weight: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="Share of the log odds of a model's score of its own answer that counts. 0: none, "
        "since a model may flatter itself.",
    )
    cross_weight: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Share of the log odds of a grade by another model that counts.",
    )

    @property
    def weights(self) -> Weights:
        """The weights of what models say."""
        return Weights(self_=self.self_weight, cross=self.cross_weight)
