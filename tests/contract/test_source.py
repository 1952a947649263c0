"""Rules that the source keeps, so that it stays readable and safe to ship."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.router.pool.pool import load_pool

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 40
USUAL_SHARE = 0.95


def sources() -> list[Path]:
    roots = ("services", "scorer", "clients/python/routemoa", "scripts")
    found = [path for root in roots for path in (ROOT / root).rglob("*.py")]
    return [path for path in found if "_pb2" not in path.name]


def modules_of(folder: str) -> str:
    """Returns the names of the modules below a folder, as an import statement lists them."""
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))
    return ", ".join(".".join(path.with_suffix("").parts) for path in paths)


def function_lengths() -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()
    }
    assert len(lengths) > 50
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES}


def test_no_function_is_a_god_function() -> None:
    lengths = function_lengths()
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES}
    usual = sum(lines <= USUAL_FUNCTION_LINES for lines in lengths.values())
    assert usual / len(lengths) >= USUAL_SHARE


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("routemoa", "services scorer numpy onnxruntime torch typer"),
        ("services.router.app", "torch transformers onnxruntime scorer"),
        ("services.judge.app", "torch transformers onnxruntime numpy aiohttp"),
        ("services.scorer.app", "torch transformers optimum aiohttp"),
        (
            "scorer",
            "torch transformers grpc google scorer.training scorer.measures scorer.progress",
        ),
        (modules_of("scorer/runtime"), "torch transformers onnx optimum rich"),
        (modules_of("scorer/data"), "torch transformers onnx optimum rich"),
        (modules_of("scorer/measures"), "torch transformers onnx optimum rich"),
    ],
)
def test_importing_a_part_loads_no_more_than_it_needs(module: str, forbidden: str) -> None:
    program = (
        f"import sys, {module}\n"
        f"sys.stdout.write(' '.join(m for m in '{forbidden}'.split() if m in sys.modules))"
    )
    done = subprocess.run(  # noqa: S603  # our own interpreter and text
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == ""


def test_onnx_runtime_is_told_not_to_report_before_it_is_imported() -> None:
    program = """
import os, sys
told = []
def watch(event, arguments):
    if event == "import" and arguments[0] == "onnxruntime":
        told.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.addaudithook(watch)
import scorer
scorer.Runtime
sys.stdout.write(str(told[0]))
"""
    done = subprocess.run(  # noqa: S603  # our own interpreter and text
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "1"


def test_the_example_pools_load() -> None:
    examples = list((ROOT / "deploy/k8s/examples").glob("pool*.yaml"))
    assert examples
    for example in examples:
        assert load_pool(example).models


def test_files_named_in_the_documents_exist() -> None:
    named = re.compile(r"`((?:services|scorer|clients|proto|docs|deploy|tests|scripts)/[\w./-]+)`")
    links = re.compile(r"\]\((?!http)([\w./-]+)\)")
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        text = document.read_text()
        missing = [path for path in named.findall(text) if not (ROOT / path).exists()]
        missing += [path for path in links.findall(text) if not (document.parent / path).exists()]
        assert not missing, document.name
