"""What runs the graph is what was asked for, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime as ort
import pytest

from scorer import Provider, ProviderUnavailableError, default_artifact_path
from scorer.runtime.session import open_session, provider_of

if TYPE_CHECKING:
    from pathlib import Path

MODEL = default_artifact_path() / "model.onnx"
ABSENT = [
    provider
    for provider, name in (
        (Provider.CUDA, "CUDAExecutionProvider"),
        (Provider.TENSORRT, "TensorrtExecutionProvider"),
        (Provider.OPENVINO, "OpenVINOExecutionProvider"),
    )
    if name not in ort.get_available_providers()
]


@pytest.mark.parametrize("provider", ABSENT)
def test_a_provider_that_is_not_there_is_refused_with_those_that_are(provider: Provider) -> None:
    with pytest.raises(ProviderUnavailableError, match=f"{provider} was asked for.* with .*cpu"):
        open_session(MODEL, provider=provider)


@pytest.mark.parametrize("provider", ABSENT)
def test_the_cpu_will_do_where_that_is_allowed_and_the_session_says_so(provider: Provider) -> None:
    options = {"device_id": "0"}
    session = open_session(MODEL, provider=provider, provider_options=options, allow_fallback=True)
    assert provider_of(session) is Provider.CPU


def test_threads_may_be_bound_to_processors() -> None:
    session = open_session(MODEL, intra_op_threads=2, intra_op_affinities="1")
    assert provider_of(session) is Provider.CPU


def test_both_builds_of_onnx_runtime_side_by_side_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "onnxruntime_gpu-1.31.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ProviderUnavailableError, match="overwrite each other"):
        open_session(MODEL)
