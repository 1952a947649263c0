"""Rounding batches up to few shapes changes no score."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.runtime.recorded_graph import RecordedGraph
from scorer.runtime.session import open_session

TEXTS = [
    f"Why is {number} {'odd, and what of its neighbours ' * (number % 4)}?" for number in range(11)
]
BATCHES = (TEXTS[:1], TEXTS[:3], TEXTS[3:8], TEXTS, [""], TEXTS[:3])
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=["default", "base"])
def runtimes(request: pytest.FixtureRequest) -> tuple[Runtime, Runtime]:
    """The plain runtime and the one of few shapes, with its buffers in main memory."""
    artifact = load_artifact(default_artifact_path().parent / request.param)
    session = open_session(artifact.model_path, intra_op_threads=1)
    return (
        Runtime(artifact, session),
        Runtime(artifact, session, RecordedGraph(session, "cpu")),
    )


def test_a_rounded_batch_reads_as_it_is(runtimes: tuple[Runtime, Runtime]) -> None:
    plain, recorded = runtimes
    for texts in BATCHES:
        queries = [plain.tokenize(text) for text in texts]
        expected, found = plain.predict(queries), recorded.predict(queries)
        assert found.scores.shape == expected.scores.shape
        assert found.scores == pytest.approx(expected.scores, abs=TOLERANCE)
        assert found.class_weights == pytest.approx(expected.class_weights, abs=TOLERANCE)
    assert np.array_equal(plain.class_success(), recorded.class_success())


def test_callers_do_not_see_the_buffers_of_one_another(
    runtimes: tuple[Runtime, Runtime],
) -> None:
    plain, recorded = runtimes
    queries = [plain.tokenize(text) for text in TEXTS] * 4
    kept = recorded.score(queries[:1])
    before = kept.copy()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: recorded.score([query])[0], queries))
    assert np.array_equal(kept, before)
    for query, scores in zip(queries, together, strict=True):
        assert scores == pytest.approx(plain.score([query])[0], abs=TOLERANCE)
