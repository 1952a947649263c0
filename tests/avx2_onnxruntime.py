"""A copy of ONNX Runtime that takes this processor for one with AVX2 and without AVX-512 and VNNI.

`python -m tests.avx2_onnxruntime DIRECTORY`, then run a command with `PYTHONPATH=DIRECTORY`.

ONNX Runtime has no switch for that. Before it uses AVX-512, it asks which registers the operating
system keeps (`xgetbv`); in the copy the answer is "those of AVX". So all runs in the code for such
processors, at the speed of this one.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

from tests.bench.processor import HIDDEN_MARK, processor_flags

_CPUID, _XGETBV = b"\x0f\xa2", b"\x0f\x01\xd0"
_KEEPS_AVX = b"\x6a\x07\x58"
"""`push 7; pop rax`: x87, SSE and AVX."""
_REACH = 600
"""Largest number of bytes between the two questions; elsewhere these bytes mean something else."""


def why_not() -> str | None:
    """Returns why no copy can be made here; None if one can."""
    flags = processor_flags()
    if "avx512f" not in flags:
        return "the processor has no AVX-512 that could be hidden"
    if "avx_vnni" in flags:
        return "the processor has VNNI without AVX-512, which is not hidden"
    return None


def copy_to(directory: Path) -> None:
    """Writes the copy into a new directory.

    Raises:
        RuntimeError: No copy can be made here.
    """
    reason = why_not()
    found = importlib.util.find_spec("onnxruntime")
    if reason or found is None or found.origin is None:
        raise RuntimeError(reason or "onnxruntime is not installed")
    package = directory / "onnxruntime"
    shutil.copytree(Path(found.origin).parent, package)
    (library,) = (package / "capi").glob("onnxruntime_pybind11_state*.so")
    code = library.read_bytes()
    places = [
        match.start()
        for match in re.finditer(re.escape(_XGETBV), code)
        if _CPUID in code[max(0, match.start() - _REACH) : match.start()]
    ]
    if not places:
        raise RuntimeError("this build of onnxruntime does not ask for the kept registers")
    changed = bytearray(code)
    for place in places:
        changed[place : place + len(_XGETBV)] = _KEEPS_AVX
    library.write_bytes(changed)
    (package / HIDDEN_MARK).touch()


if __name__ == "__main__":
    copy_to(Path(sys.argv[1]))
