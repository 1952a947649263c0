"""The processor of this machine, as a benchmark's page names it."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

HIDDEN_MARK = "avx512-is-hidden"
"""A file in a copy of ONNX Runtime that does not see AVX-512 (`tests.avx2_onnxruntime`)."""

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve")
"""The features that decide which kernels ONNX Runtime takes, by Linux's names."""


def processor_flags() -> set[str]:
    """Returns the features of the processor by Linux's names; none elsewhere."""
    return set(_facts().get("flags", _facts().get("Features", "")).split())


def processor() -> str:
    """Returns name and features of the processor, as ONNX Runtime sees them."""
    features = [name for name in _FEATURES if name in processor_flags()]
    spec = importlib.util.find_spec("onnxruntime")
    if spec and spec.origin and (Path(spec.origin).parent / HIDDEN_MARK).exists():
        features = [name for name in features if not name.startswith("avx512")]
        features.append("AVX-512 hidden from ONNX Runtime")
    name = _facts().get("model name", platform.machine())
    return f"{name} ({', '.join(features)})"


def _facts() -> dict[str, str]:
    """Returns the facts of the first processor in /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    first = text.split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
