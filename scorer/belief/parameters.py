"""The parameters of the judge's belief: one JSON file, checked by its version.

``belief.json -> every problem collected -> BeliefParameters``
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.belief.curve import Curve
from scorer.belief.share import MOST_SHARE
from scorer.runtime.fields import FieldReader, ProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT_VERSION = 1
"""The schema that this code writes and reads."""
MAX_BYTES = 4 * 1024 * 1024


class Unusable(enum.Enum):
    """The kind of reason why parameters cannot be used."""

    MISSING = enum.auto()
    NEWER = enum.auto()
    INVALID = enum.auto()


class BeliefParametersError(ProblemsError):
    """Raised when a file has no usable parameters; `kind` is the reason."""

    def __init__(self, path: Path, problems: list[str], kind: Unusable) -> None:
        super().__init__(path, problems)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The gain of the words over none, on answers that they were not learned from."""

    answer_count: int
    gain: float
    """Fall of the log loss of "the answer is right", in nats per answer."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefParameters:
    """The worth of the words of each model."""

    version: str
    """``belief-<8 hex digits>``; the digits are a hash of all that decides a belief."""
    created: str
    """ISO date, given by the builder."""
    decision_count: int
    """Number of decisions that it was learned from."""
    text_share: float
    """Share of the log odds of the answer scorer that counts, at least 0."""
    self_scores: Mapping[str, Curve]
    """The worth of a model's scores of its own answers, by model."""
    grades: Mapping[str, Curve]
    """The worth of a model's grades of others' answers, by grader."""
    held_out: HeldOut | None = None
    """The gain of all that; None if it was not measured."""

    @property
    def model_ids(self) -> frozenset[str]:
        """The models of which something is known."""
        return frozenset({*self.self_scores, *self.grades})


def load_parameters(path: Path) -> BeliefParameters:
    """Reads and verifies a file of parameters.

    Raises:
        BeliefParametersError: It is missing, malformed, altered or of a newer version; the error lists
            every problem.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BeliefParametersError(path, ["is larger than 4 MiB"], Unusable.INVALID)
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BeliefParametersError(path, ["is missing"], Unusable.MISSING) from error
    except (OSError, ValueError, RecursionError) as error:
        problem = f"cannot be read: {error}"
        raise BeliefParametersError(path, [problem], Unusable.INVALID) from error
    reader = FieldReader(document)
    found = reader.integer("format_version", minimum=1)
    if found > FORMAT_VERSION:
        problem = f"format_version is {found}; this version reads {FORMAT_VERSION}"
        raise BeliefParametersError(path, [problem], Unusable.NEWER)
    parameters = BeliefParameters(
        version=reader.text("version"),
        created=reader.text("created"),
        decision_count=reader.integer("decision_count", minimum=0),
        text_share=reader.number("text_share", minimum=0),
        self_scores=_curves(reader.inner("self_scores")),
        grades=_curves(reader.inner("grades")),
        held_out=_held_out(reader.inner("held_out")) if "held_out" in reader.names else None,
    )
    problems = reader.problems
    if parameters.text_share > MOST_SHARE:
        problems.append(f"text_share must be at most {MOST_SHARE:g}")
    if not problems and parameters.version != version_of(parameters):
        problems.append(f"version is {parameters.version}; its content says another")
    if problems:
        raise BeliefParametersError(path, problems, Unusable.INVALID)
    return parameters


def save_parameters(path: Path, parameters: BeliefParameters) -> BeliefParameters:
    """Writes parameters under the version of their content, verifies and returns them."""
    parameters = dataclasses.replace(parameters, version=version_of(parameters))
    document = {"format_version": FORMAT_VERSION, **dataclasses.asdict(parameters)}
    if parameters.held_out is None:
        del document["held_out"]
    text = json.dumps(document, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return load_parameters(path)


def version_of(parameters: BeliefParameters) -> str:
    """Returns the version by the content: same content, same version."""
    decisive = dataclasses.asdict(parameters)
    for name in ("version", "created", "decision_count", "held_out"):
        del decisive[name]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return f"belief-{digest[:8]}"


def _held_out(reader: FieldReader) -> HeldOut:
    return HeldOut(
        answer_count=reader.integer("answer_count", minimum=0),
        gain=reader.number("gain"),
        low=reader.number("low"),
        high=reader.number("high"),
    )


def _curves(reader: FieldReader) -> dict[str, Curve]:
    curves = {}
    for model_id in reader.names:
        inner = reader.inner(model_id)
        curves[model_id] = Curve(
            center=inner.number("center"),
            slope=inner.number("slope", minimum=0),
            count=inner.integer("count", minimum=0),
        )
    return curves
