"""A request of `POST /v1/feedback`: the contract's fields, by its names, in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from routemoa.v1 import router_service_pb2 as pb
from services.gateway.fields import Fields, Problems, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN = frozenset(pb.RecordFeedbackRequest.DESCRIPTOR.fields_by_name)
_SOURCES = {
    "user": pb.FEEDBACK_SOURCE_USER,
    "checker": pb.FEEDBACK_SOURCE_CHECKER,
    "operator": pb.FEEDBACK_SOURCE_OPERATOR,
}


def read_feedback(body: Mapping[str, Any]) -> pb.RecordFeedbackRequest:
    """Returns the call in a request. Without an id it gets a new one; without a source, it is a user's.

    Raises:
        ApiError: Fields are wrong or not known; it names all problems at once.
    """
    problems = Problems()
    fields = Fields(body, "", problems)
    for name in fields.unknown(_KNOWN):
        fields.wrong(shown(name), "is not known")
    request = pb.RecordFeedbackRequest(
        decision_id=fields.required_text("decision_id"),
        feedback_id=fields.text("feedback_id") or uuid4().hex,
        source=_SOURCES[fields.choice("source", tuple(_SOURCES)) or "user"],
        score=fields.number("score"),
        preferred_model_id=fields.text("preferred_model_id") or "",
        better_answer=fields.text("better_answer") or "",
    )
    problems.raise_if_any()
    return request
