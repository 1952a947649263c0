"""Settings of the hardware that do not go together are refused before anything is opened."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scorer import Provider
from services.scorer.config import ScorerServiceConfig


def test_a_providers_options_are_a_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTEMOA_SCORER_PROVIDER", "cuda")
    monkeypatch.setenv("ROUTEMOA_SCORER_PROVIDER_OPTIONS", '{"enable_cuda_graph": "1"}')
    config = ScorerServiceConfig()
    assert config.provider is Provider.CUDA
    assert config.provider_options == {"enable_cuda_graph": "1"}


def test_the_cpu_has_no_options() -> None:
    with pytest.raises(ValidationError, match="cpu has none"):
        ScorerServiceConfig(provider_options={"device_id": "0"})


@pytest.mark.parametrize(("affinities", "threads"), [("1", 2), ("3,4;5-6", 3), ("", 7)])
def test_every_thread_but_the_first_may_be_bound(affinities: str, threads: int) -> None:
    ScorerServiceConfig(intra_op_affinities=affinities, intra_op_threads=threads)


@pytest.mark.parametrize("affinities", ["0", "1;", "a", "1-"])
def test_affinities_that_onnx_runtime_could_not_read_are_refused(affinities: str) -> None:
    with pytest.raises(ValidationError, match="intra_op_affinities"):
        ScorerServiceConfig(intra_op_affinities=affinities, intra_op_threads=2)


def test_affinities_of_other_threads_than_there_are_are_refused() -> None:
    with pytest.raises(ValidationError, match="intra_op_threads must be 3"):
        ScorerServiceConfig(intra_op_affinities="1;2", intra_op_threads=2)
