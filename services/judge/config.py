"""The settings of the judge service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from scorer import default_answer_artifact_path
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
        default_factory=default_answer_artifact_path,
        description="Directory of an answer scorer, which reads the texts of the answers; it is "
        "reloaded when it changes. Absent: the shipped one. Empty: no text is read.",
    )
    belief_file: Path | None = Field(
        default=None,
        description="JSON file of `python -m scorer learn-belief`: what the words of each model are "
        "worth by its record. It is reloaded when it changes. Absent: the weights below, for all "
        "models.",
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

    @field_validator("answer_artifact", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @property
    def weights(self) -> Weights:
        """The weights of what models say."""
        return Weights(self_=self.self_weight, cross=self.cross_weight)
