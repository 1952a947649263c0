"""Reads one decision record, as far as it is learned from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.converters.decision_line import SCHEMA_VERSION
from scorer.learning.feedback_line import BadLineError, read_time, require_version
from scorer.runtime.fields import FieldReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A query that the router answered."""

    id: str
    time: datetime
    tenant: str
    """Empty if there are no tenants."""
    query: str
    """Text of the query; empty where the router kept none."""
    final_model_id: str
    """The model that wrote the final answer; empty if there was none."""
    agrees: Mapping[str, bool]
    """By model that answered: whether its newest answer agrees with the final one, where known."""
    posteriors: Mapping[str, float]
    """The judge's scores of answers that a model graded."""
    priors: Mapping[str, float]
    """The scores that the models were ranked by."""
    self_scores: Mapping[str, float]
    """By model, of its newest answer, where it gave one."""
    grades: Mapping[str, Mapping[str, float]]
    """By grader and graded model."""
    answer_scores: Mapping[str, float]
    """By model, of its newest answer, where the judge read it."""
    propensities: Mapping[str, float]
    """Probability with which each model was selected; empty if nothing was explored."""

    @property
    def answered(self) -> frozenset[str]:
        """The models that wrote an answer."""
        return frozenset({*self.agrees, *self.posteriors, self.final_model_id} - {""})


def read_decided(document: object) -> Decided:
    """Reads a decision record.

    Raises:
        BadLineError: The document is no decision record, or is of another version.
    """
    reader = FieldReader(document)
    require_version(reader, SCHEMA_VERSION)
    agrees: dict[str, bool] = {}
    posteriors: dict[str, float] = {}
    self_scores: dict[str, float] = {}
    answer_scores: dict[str, float] = {}
    grades: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for layer in reader.items("layers"):
        for answer in layer.items("answers") if layer.has("answers") else ():
            agree = answer.optional_boolean("agrees")
            if agree is not None:
                agrees[answer.text("model_id")] = agree
            if answer.has("grades"):
                grades[answer.text("model_id")] |= answer.number_by_name("grades")
        for assessment in layer.items("assessments") if layer.has("assessments") else ():
            own = assessment.optional_number("self_score")
            grade = assessment.optional_number("cross_score")
            read = assessment.optional_number("answer_score")
            if own is not None:
                self_scores[assessment.text("model_id")] = own
            if read is not None:
                answer_scores[assessment.text("model_id")] = read
            if own is not None or grade is not None:
                posteriors[assessment.text("model_id")] = assessment.number("posterior_score")
    exploration = reader.inner("exploration") if reader.has("exploration") else None
    decided = Decided(
        id=reader.text("id"),
        time=read_time(reader),
        tenant=reader.nullable_text("tenant"),
        query=reader.inner("query").nullable_text("text"),
        final_model_id=reader.nullable_text("final_model_id"),
        agrees=agrees,
        posteriors=posteriors,
        priors=reader.number_by_name("prior_scores"),
        self_scores=self_scores,
        grades=grades,
        answer_scores=answer_scores,
        propensities=exploration.number_by_name("propensities") if exploration else {},
    )
    if reader.problems:
        raise BadLineError(reader.problems)
    return decided
