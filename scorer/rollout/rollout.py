"""A rollout: the candidate artifact, the stage that it is in, and the settings of its test."""

from __future__ import annotations

import dataclasses
import enum
import json
from dataclasses import dataclass, field
from pathlib import Path

from scorer.runtime.fields import FieldReader, ProblemsError

SCHEMA_VERSION = 1


class RolloutError(ProblemsError):
    """Raised for a rollout's file that cannot be read."""


class Stage(enum.StrEnum):
    """The stages of a rollout, in order; the last three are ends."""

    SHADOW = "shadow"
    """The candidate scores every query and answers none."""
    SHARE = "share"
    """The candidate answers a share of the conversations."""
    PROMOTING = "promoting"
    """The test has passed; the link is being moved."""
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"
    """An operator has ended it."""

    @property
    def is_running(self) -> bool:
        """True until the rollout has ended."""
        return self in {Stage.SHADOW, Stage.SHARE, Stage.PROMOTING}


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSettings:
    """The settings of a rollout, which do not change while it runs."""

    share: float = 0.5
    """Share of the conversations that the candidate answers, in (0, 1)."""
    min_shadow_queries: int = 200
    """Least queries that both artifacts score before the candidate answers any."""
    min_feedback: int = 500
    """Least queries with feedback before the candidate is promoted."""
    max_feedback: int = 5000
    """Queries with feedback after which a candidate that is not shown to be better is rolled back."""
    max_cost_increase: float = 0.1
    """Largest increase of the mean cost of an answer, as a share of the active artifact's."""
    max_latency_increase: float = 0.2
    """Largest increase of the mean latency of an answer, as a share of the active artifact's."""

    @classmethod
    def parse(cls, reader: FieldReader) -> RolloutSettings:
        """Reads one object; the reader collects the problems."""
        return cls(
            share=reader.number("share", minimum=0),
            min_shadow_queries=reader.integer("min_shadow_queries", minimum=1),
            min_feedback=reader.integer("min_feedback", minimum=1),
            max_feedback=reader.integer("max_feedback", minimum=1),
            max_cost_increase=reader.number("max_cost_increase", minimum=0),
            max_latency_increase=reader.number("max_latency_increase", minimum=0),
        )

    @property
    def problems(self) -> list[str]:
        """The values that make no sense together or alone."""
        problems = []
        if not 0 < self.share < 1:
            problems.append(f"share must be above 0 and below 1, is {self.share:g}")
        if self.min_feedback > self.max_feedback:
            problems.append("min_feedback must not be above max_feedback")
        return problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A candidate beside the active artifact."""

    id: str
    """Random, so that nobody can foresee the arm of a conversation."""
    stage: Stage
    active_version: str
    candidate_version: str
    candidate: Path
    """Directory of the candidate; relative to that of the link if it is within it."""
    started: str
    """ISO time, in UTC."""
    changed: str
    """ISO time of the start of the stage, in UTC."""
    reason: str
    """The reason for the stage, for a person."""
    settings: RolloutSettings = field(default_factory=RolloutSettings)
    schema_version: int = SCHEMA_VERSION

    @property
    def share(self) -> float:
        """Share of the conversations that the candidate answers now, in [0, 1]."""
        return self.settings.share if self.stage in {Stage.SHARE, Stage.PROMOTING} else 0.0

    def as_json(self) -> str:
        """Returns the content of the rollout's file."""
        document = dataclasses.asdict(self) | {"candidate": str(self.candidate)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def parse_rollout(data: bytes, path: Path) -> Rollout:
    """Reads a rollout's file.

    Raises:
        RolloutError: It is not a rollout; the error lists every problem.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RolloutError(path, [f"is not JSON: {error}"]) from error
    reader = FieldReader(document)
    version = reader.integer("schema_version", minimum=1)
    if not reader.problems and version != SCHEMA_VERSION:
        raise RolloutError(path, [f"is of version {version}; this reads {SCHEMA_VERSION}"])
    rollout = Rollout(
        id=reader.text("id"),
        stage=reader.choice("stage", Stage),
        active_version=reader.text("active_version"),
        candidate_version=reader.text("candidate_version"),
        candidate=Path(reader.text("candidate")),
        started=reader.text("started"),
        changed=reader.text("changed"),
        reason=reader.text("reason"),
        settings=RolloutSettings.parse(reader.inner("settings")),
    )
    problems = [*reader.problems, *rollout.settings.problems]
    if problems:
        raise RolloutError(path, problems)
    return rollout
