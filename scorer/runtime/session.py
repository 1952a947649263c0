"""ONNX file -> ONNX Runtime session on the hardware that was asked for, or a refusal."""

from __future__ import annotations

import enum
import os
from importlib import metadata
from typing import TYPE_CHECKING

import onnxruntime as ort

from scorer.runtime.cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Provider(enum.StrEnum):
    """What runs the graph: an execution provider of ONNX Runtime."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    OPENVINO = "openvino"


_ORT_NAMES = {
    Provider.CPU: "CPUExecutionProvider",
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.TENSORRT: "TensorrtExecutionProvider",
    Provider.OPENVINO: "OpenVINOExecutionProvider",
}
_PROVIDERS = {name: provider for provider, name in _ORT_NAMES.items()}
_SUPPORT = {Provider.TENSORRT: (Provider.CUDA, Provider.CPU)}
"""What runs the nodes that a provider does not take; the CPU for all others."""


class ProviderUnavailableError(RuntimeError):
    """Raised when the provider that was asked for is not the one that ONNX Runtime would use."""


def open_session(
    model: Path,
    *,
    provider: Provider = Provider.CPU,
    provider_options: Mapping[str, str] | None = None,
    intra_op_threads: int = 0,
    intra_op_affinities: str = "",
    allow_fallback: bool = False,
) -> ort.InferenceSession:
    """Opens a session; see `Runtime.open` for what the arguments mean.

    Raises:
        ProviderUnavailableError: ``provider`` is not to be had and ``allow_fallback`` is false, or
            both builds of ONNX Runtime are installed.
    """
    _check_installation()
    options = ort.SessionOptions()
    options.intra_op_num_threads = intra_op_threads or _default_threads()
    options.inter_op_num_threads = 1
    if intra_op_affinities:
        options.add_session_config_entry("session.intra_op_thread_affinities", intra_op_affinities)
    # Threads that spin while idle save a tenth of a lone short query's time and take a core from
    # everything else: beside other work on two cores, a query then took up to 1.7 times as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # ONNX Runtime reports a failed provider as an error line and falls back to the CPU. What it
    # really took is checked below, so its own report would only be noise.
    options.log_severity_level = 4
    # Available means compiled in, not that it works here.
    available = ort.get_available_providers()
    wanted = dict.fromkeys((provider, *_SUPPORT.get(provider, ()), Provider.CPU))
    names = [
        (_ORT_NAMES[each], dict(provider_options or {}) if each is provider else {})
        for each in wanted
        if _ORT_NAMES[each] in available
    ]
    session = ort.InferenceSession(str(model), options, providers=names)
    if provider_of(session) is not provider and not allow_fallback:
        has = ", ".join(_PROVIDERS[name] for name in available if name in _PROVIDERS)
        raise ProviderUnavailableError(
            f"{provider} was asked for and ONNX Runtime would use {provider_of(session)}; "
            f"the one installed was built with {has}"
        )
    return session


def _default_threads() -> int:
    """Returns a thread per core of a share of the machine; 0, one per physical core, for all of it."""
    cores = usable_cores()
    return cores if cores < (os.cpu_count() or 1) else 0


def provider_of(session: ort.InferenceSession) -> Provider:
    """Returns what a session really uses."""
    return next(_PROVIDERS[name] for name in session.get_providers() if name in _PROVIDERS)


def _check_installation() -> None:
    """Refuses both builds side by side: they are one module, and which one is imported is chance."""
    installed = {distribution.name.lower() for distribution in metadata.distributions()}
    if {"onnxruntime", "onnxruntime-gpu"} <= installed:
        raise ProviderUnavailableError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; uninstall "
            "both, then install the extra [serve] or [gpu]"
        )
