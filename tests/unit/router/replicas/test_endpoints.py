"""What a pool file may say of replicas, and what it is told of what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.pool.endpoints import base_url
from services.router.pool.pool import Pool, load_pool
from services.rpc.reload import FileProblemsError

if TYPE_CHECKING:
    from pathlib import Path

MODEL = """\
models:
  - id: m
    prompt_price_usd_per_million_tokens: 0.1
    completion_price_usd_per_million_tokens: 0.2
    context_window_tokens: 8192
"""


def load(folder: Path, text: str) -> Pool:
    path = folder / "pool.yaml"
    path.write_text(MODEL + text)
    return load_pool(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileProblemsError) as caught:
        load(folder, text)
    path = folder / "pool.yaml"
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_a_list_of_urls_and_one_url_are_the_same_thing(tmp_path: Path) -> None:
    one = load(tmp_path, "    url: http://a/v1\n").models[0]
    assert one.replicas.base_urls == ("http://a/v1",)
    two = load(tmp_path, "    endpoints: [http://a/v1, http://b:8000/v1/]\n").models[0]
    assert two.replicas.base_urls == ("http://a/v1", "http://b:8000/v1")


def test_replicas_may_be_looked_up(tmp_path: Path) -> None:
    dns = load(tmp_path, "    endpoints: {dns: {name: vllm.ai.svc, port: 8000}}\n").models[0]
    assert dns.replicas.dns is not None
    assert dns.replicas.dns.interval_s == 5
    text = "    endpoints: {endpoint_slices: {namespace: ai, service: vllm, port: http}}\n"
    slices = load(tmp_path, text).models[0]
    assert slices.replicas.endpoint_slices is not None
    assert slices.replicas.endpoint_slices.path == "/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 2: models.0: Value error, needs either `url` or `endpoints`"),
        ("    url: http://a/v1\n    endpoints: [http://b/v1]\n", "needs either"),
        ("    endpoints: []\n", "line 6: models.0.endpoints.urls: Tuple should have at least 1"),
        ("    endpoints:\n    - http://a/v1\n    - b\n", "line 8: models.0.endpoints.urls.1"),
        ("    endpoints: [http://a/v1, http://a/v1/]\n", "line 6: models.0.endpoints"),
        ("    endpoints: {}\n", "one of them"),
        ("    endpoints: {dns: {name: a, port: 1}, urls: [http://a]}\n", "one of them"),
        ("    endpoints: {dns: {name: a, port: 0}}\n", "models.0.endpoints.dns.port"),
        ("    endpoints: {dns: {name: a, prot: 1}}\n", "models.0.endpoints.dns.prot"),
        ("    endpoints: {endpoint_slices: {namespace: A_B}}\n", "endpoint_slices.namespace"),
        ("    endpoints: 7\n", "line 6: models.0.endpoints"),
        (
            "    backend: ollama\n    endpoints: {dns: {name: a, port: 1}}\n",
            "models.0.endpoints: ollama is called at its root",
        ),
    ],
)
def test_what_cannot_be_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, text))


def test_all_problems_of_endpoints_are_named_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "    endpoints:\n      endpoint_slices:\n        namespace: ai\n        service: -x\n"
        "        port: 70000\n        path: v1\n",
    )
    lines = {problem.split(":")[0] for problem in found}
    assert {"line 9", "line 10", "line 11"} <= lines


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert base_url("fd00::7", 8000, "/v1") == "http://[fd00::7]:8000/v1"
    assert base_url("10.0.0.7", 8000, "") == "http://10.0.0.7:8000"
