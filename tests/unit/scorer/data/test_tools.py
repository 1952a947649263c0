"""The exports and logs below ``written`` are as their tools wrote them; its README has the versions."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scorer.data.converters.conversion import Conversion, ConversionError
from scorer.data.converters.scores.scale import told_scale
from scorer.data.converters.tools import helm, inspect_logs, langfuse, openai_evals, promptfoo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scorer.data.records import Record

WRITTEN = Path(__file__).parent / "written"
CAPITAL = "Name the capital of Australia."
PRODUCT = "What is 6 times 7?"
METAL = "Which metal is liquid at room temperature?"


def by_query(records: Iterator[Record]) -> dict[str, Record]:
    return {record.query: record for record in records}


def scores_of(records: Iterator[Record]) -> dict[str, dict[str, float]]:
    return {query: dict(record.scores) for query, record in by_query(records).items()}


def problems_of(records: Iterator[Record]) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        list(records)
    return caught.value.problems


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize("name", ["results.json", "results.jsonl"])
def test_results_of_promptfoo_are_read(name: str) -> None:
    conversion = Conversion()
    found = by_query(promptfoo.convert([WRITTEN / "promptfoo" / name], conversion))
    assert found[PRODUCT].scores == {"openai:chat:large": 1, "small": 1}
    assert found[CAPITAL].scores == {"openai:chat:large": 1, "small": 0.25}
    assert found[PRODUCT].prompt_tokens == {"openai:chat:large": 9, "small": 9}
    assert conversion.notes.left_out == {promptfoo.FAILED: 2}


def test_a_named_score_and_a_variable_of_promptfoo_can_be_told() -> None:
    paths = [WRITTEN / "promptfoo" / "results.json"]
    right = promptfoo.convert(paths, Conversion(), metric="right", query_field="kind")
    assert scores_of(right)["places"] == {"openai:chat:large": 1, "small": 0}
    passed = promptfoo.convert(paths, Conversion(), metric="pass")
    assert scores_of(passed)[CAPITAL] == {"openai:chat:large": 1, "small": 0}
    found = problems_of(promptfoo.convert(paths, Conversion(), metric="wit"))
    assert "has no score 'wit'; it has score, pass, right, short" in found[0]
    found = problems_of(promptfoo.convert(paths, Conversion(), query_field="ask"))
    assert "has no variable 'ask'; it has question, kind" in found[0]


def test_a_file_that_is_not_of_promptfoo_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", {"rows": []})
    assert problems_of(promptfoo.convert([path], Conversion())) == (
        f"{path}: holds no results of promptfoo eval",
    )


def test_logs_of_inspect_are_read_and_epochs_averaged() -> None:
    conversion = Conversion()
    paths = [WRITTEN / "inspect" / f"own_questions-{model}.json" for model in ("large", "small")]
    found = by_query(inspect_logs.convert(paths, conversion))
    assert found[METAL].scores == {"mockllm/large": 1, "mockllm/small": 0}
    assert found["Which planet is the largest?"].scores["mockllm/small"] == 1
    assert found[METAL].task == "own_questions"
    assert found[METAL].completion_tokens.keys() == found[METAL].scores.keys()
    assert conversion.notes.repeated == 8


def test_of_several_scorers_of_inspect_one_has_to_be_named() -> None:
    path = WRITTEN / "inspect" / "two_scorers-small.json"
    assert problems_of(inspect_logs.convert([path], Conversion())) == (
        f"{path}: sample 1: has several scores: name one with --metric: includes, match",
    )
    found = scores_of(inspect_logs.convert([path], Conversion(), metric="match"))
    assert found[CAPITAL] == {"mockllm/small": 0}


def test_archives_of_inspect_are_read(tmp_path: Path) -> None:
    log = json.loads((WRITTEN / "inspect" / "own_questions-large.json").read_text())
    path = tmp_path / "a.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        samples = log.pop("samples")
        archive.writestr("header.json", json.dumps(log))
        for sample in samples:
            name = f"samples/{sample['id']}_epoch_{sample['epoch']}.json"
            archive.writestr(name, json.dumps(sample))
    found = scores_of(inspect_logs.convert([tmp_path], Conversion()))
    assert found[PRODUCT] == {"mockllm/large": 1}
    assert len(found) == 4


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python unpacks Zstandard")
def test_an_archive_that_nothing_here_unpacks_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = WRITTEN / "inspect" / "own_questions-large.eval"
    [problem] = problems_of(inspect_logs.convert([path], Conversion()))
    assert "install the package zstandard, or write JSON with inspect log convert" in problem


def test_damaged_logs_of_inspect_are_named(tmp_path: Path) -> None:
    archive = tmp_path / "a.eval"
    archive.write_bytes(b"PK nothing")
    other = write(tmp_path / "b.json", {"rows": []})
    found = problems_of(inspect_logs.convert([archive, other], Conversion()))
    assert found[0] == f"{archive}: cannot be read: File is not a zip file"
    assert found[1].startswith(f"{other}: is no log of Inspect")


def spec(model: str) -> dict[str, Any]:
    return {"spec": {"completion_fns": [model], "eval_name": "own.dev.v0", "base_eval": "own"}}


def event(sample: str, kind: str, **data: object) -> dict[str, Any]:
    return {"run_id": "r", "event_id": 0, "sample_id": sample, "type": kind, "data": data}


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text(
        "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    )
    return path


def test_the_first_prompt_of_a_graded_sample_is_the_query(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "Be short."}, {"role": "user", "content": PRODUCT}]
    path = write_lines(
        tmp_path / "a.jsonl",
        spec("large"),
        event("own.0", "sampling", prompt=asked, sampled=["42"]),
        event("own.0", "sampling", prompt="Grade this: 42", sampled=["Y"]),
        event("own.0", "metrics", choice="Y", score=0.5),
        event("own.1", "sampling", prompt="x", sampled=["y"]),
        {"final_report": {"score": 0.5}},
    )
    conversion = Conversion()
    [record] = openai_evals.convert([path], conversion)
    assert (record.query, record.scores, record.task) == (PRODUCT, {"large": 0.5}, "own")
    assert conversion.notes.left_out == {openai_evals.NO_SCORE: 1}
    [record] = openai_evals.convert([path], Conversion(), metric="choice")
    assert record.scores == {"large": 1}


def test_logs_that_are_not_of_evals_are_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", {"query": "x"}, "{")
    bare = write_lines(tmp_path / "b.jsonl", event("0", "match", correct=True))
    odd = write_lines(tmp_path / "c.jsonl", spec("m"), event("0", "metrics", bleu=31.0))
    found = problems_of(openai_evals.convert([path, bare, odd], Conversion()))
    assert found[0].startswith(f"{path}: line 2: is not JSON")
    assert found[1].startswith(f"{bare}: has no first line with the run's spec")
    assert found[2] == (
        f"{odd}: line 2: sample 0: has no metric correct or score or accuracy or choice; "
        "--metric names one of bleu"
    )


def call(number: int, model: str, trace: str, query: object, **fields: object) -> dict[str, object]:
    return {
        "id": f"call{number}",
        "traceId": trace,
        "type": "GENERATION",
        "name": "answer",
        "model": model,
        "input": query,
        "output": "so",
        "usageDetails": {"input": 9, "output": 3, "total": 12},
        "totalCost": 0.002,
        **fields,
    }


def langfuse_score(
    number: int, value: object, trace: str = "", call_id: str = ""
) -> dict[str, Any]:
    kind = "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
    return {
        "id": f"score{number}",
        "name": "helpful",
        "value": None if kind == "CATEGORICAL" else value,
        "stringValue": value if kind == "CATEGORICAL" else None,
        "dataType": kind,
        "traceId": trace,
        "observationId": call_id or None,
        "source": "ANNOTATION",
    }


CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": PRODUCT}]


def test_scores_of_langfuse_are_joined_with_the_calls_of_models(tmp_path: Path) -> None:
    calls = [
        call(1, "large", "t1", CHAT),
        call(2, "small", "t2", {"messages": CHAT}),
        call(3, "small", "t3", METAL),
        call(4, "large", "t3", METAL),
        call(5, "small", "t4", METAL),
    ]
    scores = [
        langfuse_score(1, 1, "t1", "call1"),
        langfuse_score(2, 0, "t2"),
        langfuse_score(3, 1, "t3"),
        langfuse_score(4, 1, "gone"),
        langfuse_score(5, 0.5, "t4"),
    ]
    paths = [
        write(tmp_path / "observations.json", calls),
        write(tmp_path / "scores.json", {"data": scores, "meta": {"page": 1}}),
    ]
    conversion = Conversion()
    found = by_query(langfuse.convert(paths, conversion))
    assert found[PRODUCT].scores == {"large": 1, "small": 0}
    assert found[PRODUCT].costs_usd == {"large": 0.002, "small": 0.002}
    assert found[METAL].scores == {"small": 0.5}
    assert conversion.notes.left_out == {langfuse.SEVERAL_MODELS: 1, langfuse.NO_MODEL: 1}


def test_score_columns_of_a_csv_of_langfuse_are_read(tmp_path: Path) -> None:
    header = '"id","traceId","model","input","tags","helpful","tone","comments"'
    chat = '"[{""role"":""user"",""content"":""What is 6 times 7?""}]"'
    rows = [
        f'"c1","t1","large",{chat},"[""a""]","[1]","[""warm""]","[]"',
        '"c2","t2","small","""What is 6 times 7?""","[]","[0,1]","","[]"',
    ]
    path = tmp_path / "observations.csv"
    path.write_text("\n".join([header, *rows]))
    found = scores_of(langfuse.convert([path], Conversion(), metric="helpful"))
    assert found == {PRODUCT: {"large": 1, "small": 0.5}}
    assert problems_of(langfuse.convert([path], Conversion())) == (
        "the exports hold several scores: name one with --metric: helpful, tone",
    )
    tone = langfuse.convert([path], Conversion(), metric="tone", scale=told_scale("warm=1,cold=0"))
    assert scores_of(tone) == {PRODUCT: {"large": 1}}


def test_a_trace_of_langfuse_with_all_that_is_in_it_is_read(tmp_path: Path) -> None:
    trace = {
        "id": "t1",
        "name": "chat",
        "input": {"ask": PRODUCT, "style": "kind"},
        "observations": [call(1, "large", "t1", "the whole prompt")],
        "scores": [langfuse_score(1, "good", "t1")],
    }
    path = write(tmp_path / "trace-t1.json", trace)
    found = scores_of(langfuse.convert([path], Conversion(), query_field="ask"))
    assert found == {PRODUCT: {"large": 1}}
    inner = {name: trace.pop(name) for name in ("observations", "scores")}
    path = write(tmp_path / "b.json", {"trace": trace, **inner})
    assert scores_of(langfuse.convert([path], Conversion(), query_field="ask")) == found


def test_the_storage_export_of_langfuse_is_read(tmp_path: Path) -> None:
    observation = {
        "id": "c1",
        "trace_id": "t1",
        "provided_model_name": "large",
        "input": json.dumps(CHAT),
        "total_cost": "0.002",
    }
    score = {"id": "s", "trace_id": "t1", "observation_id": "c1", "name": "helpful"}
    score |= {"value": "1", "string_value": "", "data_type": "BOOLEAN"}
    write_lines(tmp_path / "observations.jsonl", observation)
    write_lines(tmp_path / "scores.jsonl", score)
    [record] = langfuse.convert([tmp_path], Conversion())
    assert (record.query, record.scores) == (PRODUCT, {"large": 1})
    assert record.costs_usd == {"large": 0.002}


def test_pages_of_the_newest_api_of_langfuse_are_read() -> None:
    paths = [WRITTEN / "langfuse"]
    conversion = Conversion()
    found = by_query(langfuse.convert(paths, conversion, metric="right"))
    assert found[PRODUCT].scores == {"large": 1, "small": 1}
    assert found[METAL].scores == {"large": 1, "small": 0}
    assert found[METAL].costs_usd == {"large": 0.002, "small": 0.0001}
    # A score of a session is of no model.
    assert conversion.notes.left_out == {langfuse.NO_MODEL: 1}
    tone = langfuse.convert(paths, Conversion(), metric="tone", scale=told_scale("warm=1,cold=0"))
    assert scores_of(tone) == {PRODUCT: {"large": 1, "small": 0}}


def test_exports_of_langfuse_without_a_score_say_what_to_export(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [call(1, "large", "t1", PRODUCT)])
    assert problems_of(langfuse.convert([path], Conversion())) == (
        "the exports hold no score: export the scores, or traces with their scores",
    )


def test_logs_of_openai_evals_are_read() -> None:
    found = by_query(openai_evals.convert([WRITTEN / "openai_evals"], Conversion()))
    assert found[METAL].scores == {"large": 1, "small": 0}
    assert found[PRODUCT].scores == {"large": 1, "small": 1}
    assert found[PRODUCT].task == "own-match"


def test_runs_of_helm_are_read() -> None:
    conversion = Conversion()
    found = by_query(helm.convert([WRITTEN / "helm"], conversion))
    assert found[PRODUCT].scores == {"simple/model1": 1}
    assert found[CAPITAL].scores == {"simple/model1": 0}
    assert found[CAPITAL].task == "own"
    assert found[CAPITAL].prompt_tokens.keys() == {"simple/model1"}
    assert found[f"{METAL}\nA. Iron\nB. Mercury"].task == "choice"
    assert "own: score = exact_match" in conversion.notes.choices


def test_a_statistic_of_helm_can_be_told() -> None:
    path = WRITTEN / "helm" / "own"
    prefix = helm.convert([path], Conversion(), metric="quasi_prefix_exact_match")
    assert scores_of(prefix)[PRODUCT] == {"simple/model1": 1}
    [problem] = problems_of(helm.convert([path], Conversion(), metric="wit"))
    assert problem.startswith(f"{path}: has no statistic wit; --metric names one of those it has")


def test_perturbed_instances_of_helm_are_left_out(tmp_path: Path) -> None:
    instance = {"id": "id1", "input": {"text": "x"}}
    stat = {"name": {"name": "exact_match"}, "count": 1, "mean": 1.0}
    write(tmp_path / "run_spec.json", {"name": "a:k=1,model=m", "adapter_spec": {"model": "m"}})
    states = [{"instance": instance | extra} for extra in ({}, {"perturbation": {"name": "typos"}})]
    write(tmp_path / "scenario_state.json", {"request_states": states})
    stats = [
        {"instance_id": "id1", "stats": [stat]},
        {"instance_id": "id1", "perturbation": {"name": "typos"}, "stats": [stat | {"mean": 0.0}]},
    ]
    write(tmp_path / "per_instance_stats.json", stats)
    conversion = Conversion()
    [record] = helm.convert([tmp_path], conversion)
    assert (record.scores, record.task) == ({"m": 1}, "a:k=1")
    assert conversion.notes.left_out == {helm.PERTURBED: 1}


def test_folders_without_a_whole_run_of_helm_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    half = write(tmp_path / "half" / "scenario_state.json", {"request_states": []}).parent
    found = problems_of(helm.convert([tmp_path / "empty", half], Conversion()))
    assert found[0] == f"{tmp_path / 'empty'}: has no folder with a scenario_state.json"
    assert found[1].startswith(f"{half / 'run_spec.json'}: cannot be read")
