"""What documents show works: commands, blocks of code, and names in backticks."""

from __future__ import annotations

import re

import pytest

from scorer.training.recipe import read_recipe
from tests.documents.blocks import yaml_problems
from tests.documents.checker import (
    LANGUAGES,
    UNCHECKED,
    document_problems,
    language_of,
    mentions,
)
from tests.documents.commands import RULES, rule_of
from tests.documents.names import FOREIGN, variable_problems
from tests.documents.pages import ROOT, Piece, commands, documents, pieces, tracked


@pytest.mark.parametrize("document", documents())
def test_what_a_document_shows_works(document: str) -> None:
    assert list(document_problems(document, documents()[document])) == []


def test_the_example_files_load_and_name_variables_that_are_read() -> None:
    kinds = set()
    for path, text in tracked("deploy", "scorer/artifacts", ".ci", "Makefile").items():
        assert variable_problems(path, text) == []
        keys = set(re.findall(r"^(models|tenants):", text, re.MULTILINE))
        if path.endswith(".yaml") and keys:
            kinds |= keys
            assert yaml_problems(Piece(document=path, line=1, text=text)) == [], path
        if path.endswith("recipe.toml"):
            kinds.add("recipe")
            assert read_recipe(ROOT / path).name
    assert kinds == {"models", "recipe"}


def test_every_rule_is_for_something_that_a_document_shows() -> None:
    shown, languages, beginnings, texts = set(), set(), set(), set()
    for document, text in documents().items():
        blocks, spans = pieces(document, text)
        texts.add(text)
        languages |= {language_of(block) for block in blocks}
        beginnings |= {
            key for key in UNCHECKED for b in blocks if (document, b.text[: len(key[1])]) == key
        }
        found = [c for b in blocks if language_of(b) == "sh" for c in commands(b)]
        found += [command for span in spans for command in mentions(span)]
        shown |= {rule_of(command) for command in found}
    assert set(RULES) - shown == set()
    assert LANGUAGES.keys() - languages == set()
    assert UNCHECKED.keys() - beginnings == set()
    assert [name for name in FOREIGN if not any(name in text for text in texts)] == []


def test_a_rule_checks_or_says_why_it_cannot() -> None:
    assert [rule.begins for rule in RULES if (rule.check is None) == (not rule.reason)] == []


@pytest.mark.parametrize(
    ("right", "wrong", "reported"),
    [
        ("routemoa up --pool pool.yaml", "routemoa up --pol pool.yaml", "--pol"),
        ("--from decisions", "--form decisions", "--form"),
        ("scorer inspect scorer", "scorer inspects scorer", "inspects"),
        ("--policy usd_per_right_answer=0.01", "--policy usd_per_answer=0.01", "usd_per_answer"),
        ("services.health_probe", "services.health_prober", "no module services.health_prober"),
        ("tests.bench.bench_budgets`", "tests.bench.bench_budget`", "no module"),
        ("bench_router --peers", "bench_router --pears", "no option --pears"),
        ("    make demo", "    make demonstration", "no target demonstration"),
        ("make images IMAGE_BUILD=", "make images IMAGE_BUILDER=", "no variable IMAGE_BUILDER"),
        ("    make demo", "    just demo", "no check for this block"),
        ("    make test ", "    just test ", "no rule for `just test`"),
        ("routemoa[cli]", "routemoa[cmd]", "no extra cmd"),
        ("-f deploy/k8s/examples/values", "-f deploy/k8s/example/values", "no file deploy/k8s/ex"),
        ("--values platform.yaml", "--values platforms.yaml", "no values file platforms.yaml"),
        ("filename namespaces.yaml", "filename namespace.yaml", "no file namespace.yaml"),
        ("8080/v1/models", "8080/v1/model", "the gateway has no path /v1/model"),
        ('"stream": true', '"streams": true', "streams"),
        ("service/routemoa-router", "service/router", "no service/router with port 50052"),
        ("--target scorer-gpu", "--target gpu-scorer", "no stage gpu-scorer"),
        ("concurrent_answers: 16", "concurrent_answer: 16", "tenants.0.concurrent_answer"),
        ("median_latency_s: 1.5", "median_latency: 1.5", "models.0.median_latency"),
        ("dns: {name: vllm", "dns: {host: vllm", "name"),
        ("secretName: openrouter", "secretname: openrouter", "no value router.backendSecrets[0]"),
        ("`router.networkPolicy.from`", "`router.networkPolicies.from`", "networkPolicies"),
        ("`ROUTEMOA_ROUTER_TENANTS_FILE`", "`ROUTEMOA_ROUTER_TENANT_FILE`", "nothing reads"),
        ("`records_sink`", "`record_sinks`", "no source has the name record_sinks"),
        ("`records_sink`", "`decision_sink`", "decision_sink is no setting any more"),
        ("policy_max_cost_usd`", "max_cost_usd`", "router.config.max_cost_usd is a former setting"),
        ("`PYTHON_IMAGE`", "`PYTHON_IMAGES`", "no source has the name PYTHON_IMAGES"),
        ("import BlockingClient", "import BlockClient", "no attribute 'BlockClient'"),
        ("`routemoa.blocking.BlockingClient`", "`routemoa.blocking.BlockClient`", "BlockClient"),
        ("routemoa.ErrOverloaded", "routemoa.ErrOverload", "clients/go has no ErrOverload"),
        ("client.streamAnswer(", "client.stream_answer(", "clients/typescript has no stream_"),
        ("error.reason() +", "error.cause_of() +", "clients/java has no cause_of"),
        ("ScorerService/RankModels", "ScorerService/RankModel", "has no routemoa.v1.ScorerServ"),
        ('"self_score": 0.9', '"selfishness": 0.9', "selfishness"),
        ('"org/small": 0.5', '"org/small": 5', "org/small"),
        (
            '"ERROR_REASON_OVERLOADED"',
            '"ERROR_REASON_OVERLOAD"',
            "the name ERROR_REASON_OVERLOAD",
        ),
        ("sum(cost_usd)", "sum(cost_of_it)", "no source has cost_of_it"),
        ("<artifactId>routemoa-client", "<artifactId>routemoa-klient", "routemoa-klient"),
    ],
)
def test_a_document_that_is_wrong_is_reported(right: str, wrong: str, reported: str) -> None:
    found = [document for document, text in documents().items() if right in text]
    assert found, "no document shows what this test makes wrong"
    document, text = found[0], documents()[found[0]]
    problems = list(document_problems(document, text.replace(right, wrong)))
    assert problems
    assert any(reported in problem for problem in problems), problems
