"""The state of a rollout as a table, and as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.evaluation.report.document import ABSENT, Grid

if TYPE_CHECKING:
    from scorer.rollout.rollout import Rollout
    from services.evaluation.rollout.verdict import Change, Figures


def rollout_grid(rollout: Rollout, figures: Figures | None) -> Grid:
    """Returns the rows of a rollout, with its evidence if there is any."""
    rows = [
        ("rollout", rollout.id),
        ("stage", rollout.stage),
        ("since", rollout.changed),
        ("reason", rollout.reason),
        ("active artifact", rollout.active_version),
        ("candidate", rollout.candidate_version),
        ("share of the candidate", f"{rollout.share:.0%}"),
    ]
    if figures is not None:
        rows += [
            ("queries", f"{figures.query_count:,}"),
            ("queries with feedback", f"{figures.feedback_count:,}"),
            ("choices that differ", _percent(figures.differing_share)),
            ("gain in feedback, points", _gain(figures)),
            ("change of cost", _change(figures.cost_change)),
            ("change of latency", _change(figures.latency_change)),
        ]
    return Grid(head=("", ""), rows=tuple(rows))


def rollout_json(rollout: Rollout, figures: Figures | None) -> dict[str, object]:
    """Returns the same as JSON."""
    return {
        "rollout_id": rollout.id,
        "stage": rollout.stage,
        "changed": rollout.changed,
        "reason": rollout.reason,
        "active_version": rollout.active_version,
        "candidate_version": rollout.candidate_version,
        "share": rollout.share,
        "figures": None if figures is None else figures.as_dict(),
    }


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{share:.1%}"


def _gain(figures: Figures) -> str:
    if figures.gain is None or figures.gain_error is None:
        return ABSENT
    return f"{100 * figures.gain:+.1f} ± {100 * figures.gain_error:.1f}"


def _change(change: Change | None) -> str:
    if change is None:
        return ABSENT
    return f"{change.mean:+.1%} ({change.low:+.1%} to {change.high:+.1%})"
