from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.pool.pool import load_pool
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.pool.pool import Pool

GOOD = """\
models:
  - id: small
    url: http://localhost:8000/v1
    prompt_price_usd_per_million_tokens: 0.1
    completion_price_usd_per_million_tokens: 0.2
    context_window_tokens: 8192
  - id: large
    url: https://models.example/v1/
    prompt_price_usd_per_million_tokens: 1
    completion_price_usd_per_million_tokens: 2
    context_window_tokens: 128000
    prior_score: 0.8
aggregator: large
"""


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "pool.yaml"
    path.write_text(text)
    with pytest.raises(FileProblemsError) as caught:
        load_pool(path)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_a_pool_is_read_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(GOOD)
    pool = load_pool(path)
    assert list(pool.by_id) == ["small", "large"]
    assert pool.by_id["large"].replicas.base_urls == ("https://models.example/v1",)
    assert pool.by_id["small"].prior_score is None
    assert pool.by_id["small"].prices.cost_usd(
        prompt_tokens=1000, completion_tokens=500
    ) == pytest.approx(0.0002)


def test_every_problem_is_named_with_its_line(tmp_path: Path) -> None:
    bad = GOOD.replace("url: http://localhost:8000/v1", "url: localhost")
    bad = bad.replace("context_window_tokens: 128000", "context_window_tokens: -5")
    bad = bad.replace("prior_score: 0.8", "prior_scroe: 0.8")
    found = problems(tmp_path, bad)
    assert [problem.split(":")[0] for problem in found] == ["line 3", "line 11", "line 12"]
    assert "models.1.prior_scroe" in found[2]


def test_a_missing_setting_is_named_at_its_model(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD.replace("    context_window_tokens: 8192\n", ""))
    assert found == ["line 2: models.0.context_window_tokens: Field required"]


def test_contradictions_are_named(tmp_path: Path) -> None:
    bad = GOOD.replace("id: large", "id: small").replace("aggregator: large", "aggregator: huge")
    bad = bad.replace("context_window_tokens: 8192", "context_window_tokens: 1024")
    found = problems(tmp_path, bad)
    assert any("small is listed twice" in problem for problem in found)
    assert any(problem.startswith("line 13: aggregator") for problem in found)
    assert any("leaves no room for a prompt" in problem for problem in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("models: []", "line 1: models: is empty"),
        ("- just\n- a list", "file"),
        ("models: [", "line 1: is not YAML"),
        ("models: {}\n? [a]: b", "line 2: a key must be a text"),
        ("\x00", "line 1: is not YAML"),
    ],
)
def test_what_is_no_pool_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblemsError, match="cannot be read"):
        load_pool(tmp_path / "none.yaml")


def test_a_key_file_must_exist_and_its_key_is_never_shown(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    text = GOOD.replace("    prior_score: 0.8\n", f"    api_key_file: {key}\n")
    path = tmp_path / "pool.yaml"
    path.write_text(text)
    secret = load_pool(path).by_id["large"].api_key()
    assert secret is not None
    assert secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(secret)
    key.unlink()
    assert "no such file" in problems(tmp_path, text)[0]


def test_a_name_that_no_file_can_have_is_a_problem_of_bounded_length(tmp_path: Path) -> None:
    for field in ("api_key_file: ", "url: http://localhost/"):
        text = GOOD.replace("prior_score: 0.8", field + "x" * 70_000)
        assert all(len(problem) < 1_200 for problem in problems(tmp_path, text))
    aggregator = GOOD.replace("aggregator: large", "aggregator: " + "x" * 70_000)
    (problem,) = problems(tmp_path, aggregator)
    assert problem.startswith("line 13: aggregator: xxx")
    assert len(problem) < 1_200


def test_versions_name_prices_and_pool(tmp_path: Path) -> None:
    def load(text: str) -> Pool:
        path = tmp_path / "pool.yaml"
        path.write_text(text)
        return load_pool(path)

    before, same = load(GOOD), load(GOOD)
    dearer = load(GOOD.replace("tokens: 0.2", "tokens: 0.25"))
    likelier = load(GOOD.replace("prior_score: 0.8", "prior_score: 0.9"))
    prices = [pool.by_id["small"].price_version for pool in (before, same, dearer, likelier)]
    assert prices[0] == prices[1] == prices[3] != prices[2]
    assert before.version == same.version
    assert len({before.version, dearer.version, likelier.version}) == 3


def test_safe_models_keep_their_order_and_must_be_in_the_pool(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(GOOD + "safe_models: [large, small]\n")
    assert load_pool(path).safe_models == ("large", "small")
    assert problems(tmp_path, GOOD + "safe_models:\n  - huge\n  - small\n  - small\n") == [
        "line 15: safe_models.0: huge is not one of the models",
        "line 17: safe_models.2: small is listed twice",
    ]


def test_a_backends_problems_are_named_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "tokenizer.json").write_text("[]")
    bad = GOOD.replace(
        "    prior_score: 0.8\n",
        "    backend: vlmm\n"
        f"    ca_file: {tmp_path / 'empty.pem'}\n"
        f"    tokenizer_file: {tmp_path / 'tokenizer.json'}\n"
        "    attribution: {url: nowhere, title: ''}\n",
    )
    found = problems(tmp_path, bad)
    assert sorted(problem.split(": ")[:2] for problem in found) == [
        ["line 12", "models.1.backend"],
        ["line 13", "models.1.ca_file"],
        ["line 14", "models.1.tokenizer_file"],
        ["line 15", "models.1.attribution.title"],
        ["line 15", "models.1.attribution.url"],
    ]


@pytest.mark.parametrize("backend", ["ollama", "tgi-native"])
def test_a_backend_that_is_called_at_its_root_has_no_v1(tmp_path: Path, backend: str) -> None:
    bad = GOOD.replace("    prior_score: 0.8\n", f"    backend: {backend}\n")
    (problem,) = problems(tmp_path, bad)
    assert problem.endswith(f"url: {backend} needs the URL of the server's root, without /v1")


def test_attribution_is_for_openrouter(tmp_path: Path) -> None:
    named = "    attribution: {url: 'https://example.org', title: Us}\n"
    (problem,) = problems(tmp_path, GOOD.replace("    prior_score: 0.8\n", named))
    assert "attribution: is only for the backend openrouter" in problem


def with_settings(lines: str) -> str:
    return GOOD.replace("    prior_score: 0.8\n", lines)


@pytest.mark.parametrize(
    ("request_fields", "said"),
    [
        ("extra_body: {model: x, stream: false}", "router sets itself: model, stream"),
        ("extra_body: {max_tokens: 1}", "router sets itself: max_tokens"),
        ("extra_body: {seed: .nan}", "is no JSON"),
        ('extra_body: {seed: "\\ud800"}', "is no JSON"),
        ("extra_headers: {Authorization: a}", "router sets itself"),
        ("extra_headers: {HOST: a}", "router sets itself"),
        ("extra_headers: {Proxy-Authorization: a}", "router sets itself"),
        ("extra_headers: {'X Team': a}", "no name of a header"),
        ("extra_headers: {'': a}", "no name of a header"),
        ('extra_headers: {X-Team: "a\\r\\nHost: b"}', "printable ASCII"),
        ("extra_headers: {X-Team: ü}", "printable ASCII"),
        ("extra_headers: {X-Team: a, x-team: b}", "names a header twice"),
        ("system_role: chief", "'system', 'developer', 'user' or 'none'"),
        ("tokens: 3", "Extra inputs are not permitted"),
    ],
)
def test_a_request_shape_that_would_break_requests_is_refused(
    tmp_path: Path, request_fields: str, said: str
) -> None:
    found = problems(tmp_path, with_settings(f"    request: {{{request_fields}}}\n"))
    assert all(problem.startswith("line 12: models.1.request") for problem in found)
    assert said in "\n".join(found)


def test_a_temperature_that_is_never_sent_is_named_with_the_way_out(tmp_path: Path) -> None:
    o3 = "    backend_model: o3\n"
    (problem,) = problems(tmp_path, with_settings(f"{o3}    temperature: 0.2\n"))
    assert problem.startswith("line 13: models.1.temperature: 0.2 is never sent")
    path = tmp_path / "pool.yaml"
    for temperature, request in (("1", "{}"), ("0.2", "{fixed_temperature: false}")):
        lines = f"{o3}    temperature: {temperature}\n    request: {request}\n"
        path.write_text(with_settings(lines))
        assert load_pool(path).by_id["large"].temperature == float(temperature)


@pytest.mark.parametrize("backend", ["ollama", "tgi-native"])
def test_fields_that_a_backend_does_not_have_are_refused(tmp_path: Path, backend: str) -> None:
    lines = f"    backend: {backend}\n    request: {{stream_options: false}}\n"
    text = with_settings(lines).replace("models.example/v1/", "models.example/")
    (problem,) = problems(tmp_path, text)
    assert problem == f"line 13: models.1.request: {backend} has no stream_options"


@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        ("[tools, tools]", "tools is listed twice"),
        ("[parallel_tools]", "parallel_tools is only for models with tools"),
        ("[vision]", "Input should be 'tools'"),
        ("tools", "valid tuple"),
    ],
)
def test_capabilities_that_make_no_sense_are_named(
    tmp_path: Path, capabilities: str, said: str
) -> None:
    (problem,) = problems(tmp_path, with_settings(f"    capabilities: {capabilities}\n"))
    assert problem.startswith("line 12: models.1.capabilities")
    assert said in problem


def test_capabilities_change_the_version_of_the_pool(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    versions = set()
    for line in ("", "    capabilities: []\n", "    capabilities: [tools, images]\n"):
        path.write_text(with_settings(line))
        versions.add(load_pool(path).version)
    assert len(versions) == 3
