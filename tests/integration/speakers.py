"""Scripts of models that tests of strategies share, and a reader of what was called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routemoa.v1 import router_service_pb2 as pb
    from services.simulator import Call
    from tests.scripted_answers import Script


def speaker(call: Call) -> str:
    """Answers by name; a reply to references says whose it read."""
    read = "".join(sorted(r.text[0] for r in call.references))
    text = f"{call.model} says 8" + (f" after {read}" if read else "")
    return call.assessed(text, self_score=0.6)


def answering(text: str, self_score: float = 0.6) -> Script:
    """Always says the same, whatever it reads."""
    return lambda call: call.assessed(text, self_score=self_score)


def called(result: pb.GenerateAnswerResponse) -> list[str]:
    return [entry.model_id for entry in result.usage]
