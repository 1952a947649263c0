"""Whatever a pool file holds, it is a pool or every problem has its line."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.pool.model import PoolModel
from services.router.pool.pool import Pool, load_pool
from services.rpc.file_problems import FileProblemsError

keys = st.sampled_from([*PoolModel.model_fields, *Pool.model_fields, "url", "title", "nonsense"])
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["http://localhost:8000/v1", "vllm", "ollama", "openrouter", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=15,
)
GOOD = {
    "url": "http://localhost:8000/v1",
    "prompt_price_usd_per_million_tokens": 1,
    "completion_price_usd_per_million_tokens": 2,
    "context_window_tokens": 8192,
}
models = st.lists(
    st.dictionaries(keys, values, max_size=3).map(lambda rest: {"id": "a", **GOOD, **rest}),
    max_size=3,
)


def load(content: bytes) -> Pool | list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_bytes(content)
        try:
            return load_pool(path)
        except FileProblemsError as error:
            return [problem.removeprefix(f"{path}: ") for problem in error.problems]


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_pool_or_refused(content: bytes) -> None:
    load(content)


@settings(deadline=None)
@given(st.fixed_dictionaries({"models": models | values}, optional={"aggregator": values}))
def test_every_problem_of_any_content_has_its_line(content: dict[str, Any]) -> None:
    loaded = load(yaml.safe_dump(content, allow_unicode=True).encode())
    if isinstance(loaded, list):
        assert loaded
        assert all(re.match(r"line \d+: ", p) for p in loaded), loaded
