"""Host names, ports and URLs in a pool file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.pool.pool import load_pool
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.pool.pool import Pool

MODEL = """\
models:
  - id: m
    prompt_price_usd_per_million_tokens: 0.1
    completion_price_usd_per_million_tokens: 0.2
    context_window_tokens: 8192
"""
BAD_HOSTS = [
    *("a..b", ".a", "vllm..models.svc", "a.b..", ".", "a" * 64, f"{'a.' * 130}b"),
    *("-a", "a-", "*.a", "a~b", "a\u3002\u3002b"),
]
BAD_NAMES = [
    *BAD_HOSTS,
    *("", " ", "a b", "a\tb", "a\x00b", "a/b", "a:80", "a@b", "[::1]", "fe80::1%eth0", "a%41"),
    "b\u00fccher." + "\u00fc" * 70,
]
GOOD_HOSTS = [
    "a",
    "a.b.",
    "vllm.models.svc.cluster.local",
    "my_server",
    "10.0.0.7",
    "b\u00fccher.de",
]


def load(folder: Path, text: str) -> Pool:
    path = folder / "pool.yaml"
    path.write_text(MODEL + text, encoding="utf-8")
    return load_pool(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileProblemsError) as caught:
        load(folder, text)
    path = folder / "pool.yaml"
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


def quoted(text: str) -> str:
    return '"' + text.replace("\t", "\\t").replace("\x00", "\\0") + '"'


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    text = f"    endpoints:\n      dns:\n        name: {quoted(name)}\n        port: 8000\n"
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("line 8: models.0.endpoints.dns.name: ")


@pytest.mark.parametrize(
    "host", [*BAD_HOSTS, "a b", "[fe80::1%25eth0]", "[::1", "1.2.3.4.5", "a%00b"]
)
def test_a_bad_host_of_a_url_is_refused_with_its_line(tmp_path: Path, host: str) -> None:
    (problem,) = problems(tmp_path, f"    url: {quoted(f'http://{host}/v1')}\n")
    assert problem.startswith("line 6: models.0.url: ")
    listed = f"    endpoints:\n    - http://a/v1\n    - {quoted(f'http://{host}/v1')}\n"
    (problem,) = problems(tmp_path, listed)
    assert problem.startswith("line 8: models.0.endpoints.urls.1: ")


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_names_that_can_be_looked_up_are_accepted(tmp_path: Path, host: str) -> None:
    load(tmp_path, f"    url: http://{host}:8000/v1\n")
    load(tmp_path, f"    endpoints: {{dns: {{name: {quoted(host)}, port: 8000}}}}\n")


def test_an_address_of_version_6_is_accepted(tmp_path: Path) -> None:
    load(tmp_path, "    url: http://[fd00::7]:8000/v1\n")
    load(tmp_path, '    endpoints: {dns: {name: "fd00::7", port: 8000}}\n')


@pytest.mark.parametrize("port", [0, 70_000, -1, "http"])
def test_a_bad_port_is_refused_with_its_line(tmp_path: Path, port: object) -> None:
    (problem,) = problems(tmp_path, f"    url: http://a:{port}/v1\n")
    assert problem.startswith("line 6: models.0.url: ")
    (problem,) = problems(tmp_path, f"    endpoints: {{dns: {{name: a, port: {port}}}}}\n")
    assert problem.startswith("line 6: models.0.endpoints.dns.port: ")


@pytest.mark.parametrize("tail", ["?api-version=1", "#top", "?"])
def test_a_base_url_has_no_query_and_no_fragment(tmp_path: Path, tail: str) -> None:
    (problem,) = problems(tmp_path, f'    url: "http://a/v1{tail}"\n')
    assert "must have no query and no fragment" in problem


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("p:3128", "URL scheme"),
        ("socks5://p", "URL scheme"),
        ("http://u:p@p", "must hold no credentials"),
        ("http://p..q:3128", "no host name"),
        ("http://p:0", "a port"),
        ("direct", "URL"),
        ("3", "URL"),
    ],
)
def test_a_bad_proxy_is_refused_with_its_line(tmp_path: Path, proxy: str, said: str) -> None:
    (problem,) = problems(tmp_path, f"    url: http://a/v1\n    proxy: {proxy}\n")
    assert problem.startswith("line 7: models.0.proxy")
    assert said in problem


@pytest.mark.parametrize("name", ["a..b", "a.b", "a" * 64, "A", "a/b", ""])
def test_a_service_of_kubernetes_is_one_label(tmp_path: Path, name: str) -> None:
    text = f"    endpoints: {{endpoint_slices: {{namespace: n, service: '{name}', port: 1}}}}\n"
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("line 6: models.0.endpoints.endpoint_slices.service: ")


def test_a_user_name_in_the_url_and_a_key_contradict_each_other(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-1")
    (problem,) = problems(tmp_path, f"    url: http://u:p@a/v1\n    api_key_file: {key}\n")
    assert problem == "line 7: models.0.api_key_file: does not go with a user name in the URL"
