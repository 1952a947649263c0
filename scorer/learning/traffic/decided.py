"""Reads one decision record, as far as it is learned from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.converters.decision_line import SCHEMA_VERSION
from scorer.learning.traffic.feedback_line import BadLineError, read_time, require_version
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
    answered: frozenset[str]
    """The models that wrote an answer."""
    agrees: Mapping[str, bool]
    """By model that answered: whether its newest answer agrees with the final one, where known."""
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


def read_decided(document: object) -> Decided:
    """Reads a decision record.

    Raises:
        BadLineError: The document is no decision record, or is of another version.
    """
    reader = FieldReader(document)
    require_version(reader, SCHEMA_VERSION)
    final_model_id = reader.nullable_text("final_model_id")
    answered, agrees = {final_model_id}, dict[str, bool]()
    self_scores: dict[str, float] = {}
    answer_scores: dict[str, float] = {}
    grades: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for layer in reader.items("layers"):
        for answer in layer.items("answers") if layer.has("answers") else ():
            model_id, agree = answer.text("model_id"), answer.optional_boolean("agrees")
            answered.add(model_id)
            if agree is not None:
                agrees[model_id] = agree
            if answer.has("grades"):
                grades[model_id] |= answer.number_by_name("grades")
        for assessment in layer.items("assessments") if layer.has("assessments") else ():
            model_id = assessment.text("model_id")
            own = assessment.optional_number("self_score")
            read = assessment.optional_number("answer_score")
            if own is not None:
                self_scores[model_id] = own
            if read is not None:
                answer_scores[model_id] = read
    exploration = reader.inner("exploration") if reader.has("exploration") else None
    decided = Decided(
        id=reader.text("id"),
        time=read_time(reader),
        tenant=reader.nullable_text("tenant"),
        query=reader.inner("query").nullable_text("text"),
        final_model_id=final_model_id,
        answered=frozenset(answered - {""}),
        agrees=agrees,
        priors=reader.number_by_name("prior_scores"),
        self_scores=self_scores,
        grades=grades,
        answer_scores=answer_scores,
        propensities=exploration.number_by_name("propensities") if exploration else {},
    )
    if reader.problems:
        raise BadLineError(reader.problems)
    return decided
