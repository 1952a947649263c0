"""Load scenarios of the scorer: each starts its service and returns what callers met."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer import default_artifact_path, load_artifact
from scorer.export.activation import activate
from scorer.runtime.artifact import seal_artifact
from tests.bench.calls import measure
from tests.bench.scorer_calls import SCORER, running_scorer
from tests.load.open_loop import offer
from tests.load.scorer_target import ScorerTarget
from tests.load.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer import Runtime
    from tests.load.open_loop import Outcome

    Cores = frozenset[int] | None
    """The service's processors; None: those of this process."""

STEADY_SHARE = 0.7
OVERLOAD = 3.0
STREAM_SHARE = 0.5
PEAK_CALLERS = 32
SETTLING_S = 1.0
"""Time after a reload in which its effects are counted as those of the reload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What was offered, and what came of it."""

    name: str
    summary: Summary
    outcomes: Sequence[Outcome]


async def peak_per_s(runtime: Runtime, span_s: float, *, cores: Cores = None) -> float:
    """Returns the queries that a scorer answers in a second when callers always have another one."""
    async with running_scorer(SCORER, cores) as (pid, stubs):
        target = ScorerTarget(stubs[0], runtime)
        sample = await measure(
            target.unary, pid=pid, queries=1, callers=PEAK_CALLERS, span_s=span_s
        )
        return sample.queries_per_s


async def unary_load(
    name: str, runtime: Runtime, rate_per_s: float, span_s: float, *, cores: Cores = None
) -> Scenario:
    """Offers calls of one query at a rate."""
    async with running_scorer(SCORER, cores) as (_, stubs):
        target = ScorerTarget(stubs[0], runtime)
        await target.unary(0)
        outcomes = await offer(target.unary, rate_per_s=rate_per_s, span_s=span_s)
    return Scenario(name=name, summary=Summary.of(outcomes, span_s), outcomes=outcomes)


async def stream_load(
    name: str, runtime: Runtime, rate_per_s: float, span_s: float, *, cores: Cores = None
) -> Scenario:
    """Offers streams at a rate; latency is the time to the first message."""
    async with running_scorer(SCORER, cores) as (_, stubs):
        target = ScorerTarget(stubs[0], runtime)
        await target.first_of_stream(0)
        outcomes = await offer(target.first_of_stream, rate_per_s=rate_per_s, span_s=span_s)
    return Scenario(name=name, summary=Summary.of(outcomes, span_s), outcomes=outcomes)


async def reload_load(
    runtime: Runtime, rate_per_s: float, span_s: float, folder: Path, *, cores: Cores = None
) -> list[Scenario]:
    """Replaces the artifact by its twin under load; returns before, during and after.

    Raises:
        RuntimeError: The twin had not answered by the end.
    """
    link = folder / "current"
    activate(default_artifact_path(), link, even_if_worse=True, warn=print)
    twin = _twin(folder / "twin")
    settings = {"ARTIFACT": str(link), "ARTIFACT_RELOAD_INTERVAL_S": "0.5"}
    async with running_scorer(SCORER, cores, **settings) as (_, stubs):
        target = ScorerTarget(stubs[0], runtime)
        await target.unary(0)
        begun_s = time.perf_counter()
        offering = asyncio.create_task(offer(target.unary, rate_per_s=rate_per_s, span_s=span_s))
        await asyncio.sleep(span_s / 3)
        activated_s = time.perf_counter() - begun_s
        await asyncio.to_thread(activate, twin, link, even_if_worse=True, warn=print)
        outcomes = await offering
    versions = target.first_answers_s
    if len(versions) < 2:
        raise RuntimeError("the new artifact did not answer in time; give it a longer span")
    ends = (activated_s, max(versions.values()) - begun_s + SETTLING_S, span_s)
    return _cut(("before reload", "during reload", "after reload"), ends, outcomes)


def _twin(path: Path) -> Path:
    """Copies the default artifact under another version: the same scores, so the same speed."""
    shutil.copytree(default_artifact_path(), path)
    manifest = load_artifact(path).manifest
    seal_artifact(path, dataclasses.replace(manifest, name=f"{manifest.name}-twin"))
    return path


def _cut(
    names: Sequence[str], ends_s: Sequence[float], outcomes: Sequence[Outcome]
) -> list[Scenario]:
    scenarios, start_s = [], 0.0
    for name, end_s in zip(names, ends_s, strict=True):
        part = [each for each in outcomes if start_s <= each.due_s < end_s]
        summary = Summary.of(part, max(end_s - start_s, 1e-9))
        scenarios.append(Scenario(name=name, summary=summary, outcomes=part))
        start_s = end_s
    return scenarios


def machine(cores: Cores = None) -> str:
    """Returns what the figures of this machine were measured on."""
    shared = f"{os.cpu_count()} cores shared with the callers"
    apart = f"{len(cores or ())} core(s) for the service, as many for the callers"
    return f"{apart if cores else shared}, load average {os.getloadavg()[1]:.1f}"
