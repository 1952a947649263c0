"""Opens the runtime of an artifact and checks that it can serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import structlog

from scorer import ArtifactError, ProviderUnavailableError, Runtime, load_artifact
from scorer.runtime.artifact import Precision
from scorer.runtime.session import Provider
from services.rpc.server import StartUpError
from services.rpc.validation import listed
from services.scorer.artifacts.precision_choice import fastest, measure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scorer import Artifact
    from services.scorer.config import ScorerServiceConfig

    OpenRuntime = Callable[[ScorerServiceConfig, Path, frozenset[str]], Runtime]
    """The type of `open_runtime`."""

PROBE_TEXTS = ("a word", "a sentence of some length " * 10, "a page of text " * 200)
"""Texts of different lengths; they also warm the runtime up."""

MAX_BATCH_DIFFERENCE = 1e-3
"""Largest |score difference| between a query scored alone and in a batch: rounding only."""

_log = structlog.get_logger()


def open_runtime(config: ScorerServiceConfig, path: Path, served: frozenset[str]) -> Runtime:
    """Opens, warms up and checks an artifact.

    Args:
        config: The settings of the hardware, and whether the artifact may lack models.
        path: The directory of the artifact.
        served: The ids of the models that are served now.

    Raises:
        StartUpError: The artifact is not usable, or the execution provider is not available.
    """
    path = path.resolve()  # a link that changes meanwhile must not mix the files of two artifacts
    try:
        runtime = _fastest_runtime(config, load_artifact(path))
    except ArtifactError as error:
        raise StartUpError(f"{error.path} is not a usable artifact", error.problems) from error
    except ProviderUnavailableError as error:
        raise StartUpError("the execution provider is not available", [str(error)]) from error
    problems = problems_of(runtime, frozenset() if config.allow_fewer_models else served)
    if problems:
        raise StartUpError(f"{path} cannot be served", problems)
    if runtime.provider is not config.provider:
        _log.warning("provider_fallback", requested=config.provider, used=runtime.provider)
    _log.info(
        "artifact_opened",
        version=runtime.version,
        provider=runtime.provider,
        precision=runtime.precision,
    )
    return runtime


def _fastest_runtime(config: ScorerServiceConfig, artifact: Artifact) -> Runtime:
    """Opens an artifact in the precision of the settings, or else in that which is fastest here."""
    precisions = artifact.manifest.precisions
    if config.precision in precisions:
        precisions = (Precision(config.precision),)
    runtimes = {
        precision: Runtime.open(
            artifact,
            precision=precision,
            provider=config.provider,
            provider_options=config.provider_options,
            intra_op_threads=config.intra_op_threads,
            intra_op_affinities=config.intra_op_affinities,
            allow_fallback=config.allow_provider_fallback,
        )
        for precision in precisions
    }
    if len(runtimes) == 1:
        return runtimes[precisions[0]]
    on_cpu = all(runtime.provider is Provider.CPU for runtime in runtimes.values())
    # On a busy machine, waiting for the CPU would decide, and another run might find otherwise.
    clock = time.thread_time if on_cpu else time.perf_counter
    measurements = measure(list(runtimes.values()), clock)
    for each in measurements:
        _log.info(
            "precision_measured",
            version=artifact.manifest.version,
            precision=each.precision,
            duration_ms=round(1000 * each.duration_s, 2),
            score_difference=round(each.score_difference, 6),
            agrees=each.agrees,
        )
    return runtimes[fastest(measurements)]


def problems_of(new: Runtime, served: frozenset[str]) -> list[str]:
    """Runs a runtime on a few texts; returns its problems.

    Args:
        new: The runtime.
        served: The ids of the models that are served now, all of which it must rank.
    """
    problems = []
    missing = sorted(served - set(new.model_ids))
    if missing:
        problems.append(f"it lacks these models, which are served now: {listed(missing)}")
    queries = [new.tokenize(text) for text in PROBE_TEXTS]
    together = new.predict(queries).scores
    alone = np.concatenate([new.predict([query]).scores for query in queries])
    if not np.isfinite(together).all() or together.min() < 0 or together.max() > 1:
        problems.append("its scores are not all in [0, 1]")
    elif (difference := float(np.abs(together - alone).max())) > MAX_BATCH_DIFFERENCE:
        problems.append(f"a query's score changes by {difference:.4f} in a batch with others")
    return problems
