"""Decisions and feedback as a router writes them, with the fields that learning reads."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

START = datetime(2026, 11, 1, tzinfo=UTC)


def decision(
    name: str,
    *,
    minute: float = 0,
    final: str | None = "m1",
    text: str | None = "What is two plus two?",
    tenant: str | None = "t",
    agrees: Mapping[str, bool] | None = None,
    posteriors: Mapping[str, float] | None = None,
    priors: Mapping[str, float] | None = None,
    propensities: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    layer = {
        "layer_number": 1,
        "answers": [{"model_id": m, "agrees": a} for m, a in (agrees or {}).items()],
        "assessments": [
            {"model_id": m, "posterior_score": p, "cross_score": p}
            for m, p in (posteriors or {}).items()
        ],
    }
    found: dict[str, Any] = {
        "schema_version": 1,
        "id": name,
        "time": (START + timedelta(minutes=minute)).isoformat(),
        "tenant": tenant,
        "query": {"text": text, "character_count": 1},
        "prior_scores": dict(priors or {"m1": 0.5, "m2": 0.5}),
        "layers": [layer],
        "final_model_id": final,
    }
    if propensities is not None:
        found["exploration"] = {"explored": False, "propensities": dict(propensities)}
    return found


def feedback(
    decision_id: str,
    *,
    minute: float = 1,
    score: float | None = 1.0,
    source: str = "user",
    preferred: str | None = None,
    better: str | None = None,
    name: str = "",
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "feedback_id": name or f"{decision_id}-{source}-{minute}",
        "decision_id": decision_id,
        "time": (START + timedelta(minutes=minute)).isoformat(),
        "tenant": "t",
        "source": source,
        "score": score,
        "preferred_model_id": preferred,
        "better_answer": better,
    }


def write_lines(path: Path, documents: Iterable[Mapping[str, Any]]) -> Path:
    """Writes JSON lines, packed if the name says so."""
    data = "".join(json.dumps(each) + "\n" for each in documents).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
