"""Opens an ONNX Runtime session on the requested hardware, or fails."""

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
    """The execution providers of ONNX Runtime that can run the graph."""

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
"""The providers that run the nodes which a provider does not support; the CPU if not listed."""


class ProviderUnavailableError(RuntimeError):
    """Raised when ONNX Runtime would not use the requested provider."""


def open_session(
    model: Path,
    *,
    widen: bool = False,
    provider: Provider = Provider.CPU,
    provider_options: Mapping[str, str] | None = None,
    intra_op_threads: int = 0,
    intra_op_affinities: str = "",
    allow_fallback: bool = False,
) -> ort.InferenceSession:
    """Opens a session; ``Runtime.open`` describes the arguments.

    With ``widen``, products of integers are taken in fp32.

    Raises:
        ProviderUnavailableError: ``provider`` is not available and ``allow_fallback`` is false, or
            both builds of ONNX Runtime are installed.
    """
    _check_installation()
    options = ort.SessionOptions()
    options.intra_op_num_threads = intra_op_threads or _default_threads()
    options.inter_op_num_threads = 1
    if intra_op_affinities:
        options.add_session_config_entry("session.intra_op_thread_affinities", intra_op_affinities)
    # Threads that spin while idle save a tenth of the time of a single short query but occupy a core:
    # beside other work on two cores, a query then took up to 1.7 times as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if widen:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.add_session_config_entry("session.enable_quant_qdq_cleanup", "1")
    # ONNX Runtime logs an error when a provider fails, and falls back to the CPU. The provider in use
    # is checked below, so its own message would only be noise.
    options.log_severity_level = 4
    # "Available" means compiled in, not that it works on this machine.
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
    """Returns the usable cores if they are fewer than the machine's, else 0: one per physical core."""
    cores = usable_cores()
    return cores if cores < (os.cpu_count() or 1) else 0


def provider_of(session: ort.InferenceSession) -> Provider:
    """Returns the provider that a session uses."""
    return next(_PROVIDERS[name] for name in session.get_providers() if name in _PROVIDERS)


def _check_installation() -> None:
    """Raises an error if both builds are installed: either of them might be imported."""
    installed = {distribution.name.lower() for distribution in metadata.distributions()}
    if {"onnxruntime", "onnxruntime-gpu"} <= installed:
        raise ProviderUnavailableError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; uninstall "
            "both, then install the extra [serve] or [gpu]"
        )
