from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scorer.data.converters.conversion import ConversionError
from scorer.data.converters.eval_harness import convert

WRITTEN = Path(__file__).parent / "written"
DATE = "2025-03-01T10-20-30.123456"
LATER = "2025-03-02T10-20-30"


def sample(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A line as the harness writes it today."""
    return {
        "doc_id": number,
        "doc": {"question": f"Why {number}?", "answer": "so"},
        "target": "so",
        "arguments": {"gen_args_0": {"arg_0": f"Q: Why {number}?\nA:", "arg_1": {"until": []}}},
        "resps": [["so"]],
        "filtered_resps": ["so"],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": f"{number:064x}",
        "prompt_hash": "p",
        "target_hash": "t",
        "exact_match": 1.0,
    } | fields


def write(
    root: Path, model: str, *rows: object, task: str = "why", date: str = DATE, name: str = ""
) -> Path:
    folder = root / model.replace("/", "__")
    folder.mkdir(parents=True, exist_ok=True)
    results = {"model_name": name or model, "results": {}}
    (folder / f"results_{date}.json").write_text(json.dumps(results))
    path = folder / f"samples_{task}_{date}.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def problems_of(*paths: Path, **choices: str) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        list(convert(paths, **choices))
    return caught.value.problems


def test_logs_that_the_harness_wrote_are_read() -> None:
    records = list(convert([WRITTEN / "eval_harness"]))
    found = {(record.task, record.query): record.scores for record in records}
    metal = "Which metal is liquid at room temperature?"
    assert len(found) == 5
    assert found["own_questions", "What is 6 times 7?"] == {"org/large": 1, "org/small": 1}
    assert found["own_questions", metal] == {"org/large": 1, "org/small": 0}
    assert found["own_choice", metal] == {"org/large": 1, "org/small": 0}
    assert [record.query for record in convert([WRITTEN / "eval_harness"], query_field="question")]


def test_models_are_joined_by_document_and_named_as_they_were_run(tmp_path: Path) -> None:
    write(tmp_path, "org/a", sample(0), sample(1, exact_match=0.0))
    write(tmp_path, "b", sample(1), sample(2), date=LATER)
    records = {record.id: record for record in convert([tmp_path])}
    assert {name: record.scores for name, record in records.items()} == {
        "why/0/000000000000": {"org/a": 1.0},
        "why/1/000000000000": {"org/a": 0.0, "b": 1.0},
        "why/2/000000000000": {"b": 1.0},
    }
    assert {record.task for record in records.values()} == {"why"}
    assert records["why/1/000000000000"].query == "Q: Why 1?\nA:"


def test_a_folder_names_the_model_where_no_results_lie_beside_the_log(tmp_path: Path) -> None:
    path = write(tmp_path, "some_model", sample())
    (path.parent / f"results_{DATE}.json").write_text("{")
    [record] = convert([path])
    assert record.scores.keys() == {"some_model"}


def test_a_document_that_changed_between_runs_is_two_documents(tmp_path: Path) -> None:
    write(tmp_path, "a", sample())
    write(tmp_path, "b", sample(doc_hash="f" * 64))
    assert [record.scores for record in convert([tmp_path])] == [{"a": 1.0}, {"b": 1.0}]


def test_logs_of_older_versions_are_read(tmp_path: Path) -> None:
    old = sample(arguments=[["Q: Why 0?\nA:", {"until": []}]], acc=1)
    for name in ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash", "exact_match"):
        del old[name]
    write(tmp_path, "a", old)
    write(tmp_path, "b", old)
    [record] = convert([tmp_path])
    assert record.scores == {"a": 1.0, "b": 1.0}
    assert record.query == "Q: Why 0?\nA:"


def test_a_field_of_the_document_can_be_routed(tmp_path: Path) -> None:
    write(tmp_path, "a", sample())
    write(tmp_path, "b", sample(arguments={"gen_args_0": {"arg_0": "<|user|> Why 0?"}}))
    [record] = convert([tmp_path], query_field="question")
    assert record.query == "Why 0?"
    assert "doc has no text 'problem'" in problems_of(tmp_path, query_field="problem")[0]


def test_prompts_that_differ_between_models_are_refused_once_per_log(tmp_path: Path) -> None:
    first = write(tmp_path, "a", sample(0), sample(1))
    prompt = {"gen_args_0": {"arg_0": "<|user|> Why?"}}
    second = write(tmp_path, "b", sample(0, arguments=prompt), sample(1, arguments=prompt))
    [problem] = problems_of(tmp_path)
    assert problem.startswith(f"{second}: line 1: the prompt is another than on {first}: line 1")


def test_of_several_filters_one_has_to_be_named(tmp_path: Path) -> None:
    rows = [sample(filter="strict", exact_match=0.0), sample(filter="flexible")]
    path = write(tmp_path, "a", *rows)
    write(tmp_path, "a", sample(), task="other")
    problem = f"{path}: has results of several filters (flexible, strict): name one with --filter"
    assert problems_of(tmp_path) == (problem,)
    assert problems_of(tmp_path, filter_name="neither") == (problem,)
    by_task = {record.task: record for record in convert([tmp_path], filter_name="strict")}
    assert by_task["why"].scores == {"a": 0.0}
    assert by_task["other"].scores == {"a": 1.0}


def test_a_metric_is_the_usual_one_or_the_one_that_was_named(tmp_path: Path) -> None:
    row = sample(metrics=["acc", "acc_norm", "strict_acc"], acc=0.0, acc_norm=1.0, strict_acc=True)
    path = write(tmp_path, "a", row)
    assert [record.scores for record in convert([path])] == [{"a": 0.0}]
    assert [record.scores for record in convert([path], metric="acc_norm")] == [{"a": 1.0}]
    assert [record.scores for record in convert([path], metric="strict_acc")] == [{"a": 1.0}]
    assert problems_of(path, metric="bleu") == (
        f"{path}: has no metric bleu; --metric names one of those it has (acc, acc_norm, strict_acc)",
    )
    other = write(tmp_path, "b", sample(metrics=["f1"], f1=1.0))
    assert "has no metric exact_match or acc" in problems_of(other)[0]


def test_every_problem_names_its_file_and_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a",
        sample(0),
        "{",
        "[]",
        sample(3, exact_match=31.4),
        sample(4, exact_match=None),
        sample(5, exact_match=float("nan")),
        sample(6, doc_id="6"),
        sample(7, arguments={"gen_args_0": {"arg_0": [{"role": "user"}]}}),
        sample(0),
        sample(8, arguments={"gen_args_0": {"arg_0": " "}}),
    )
    problems = problems_of(path)
    assert all(problem.startswith(f"{path}: line ") for problem in problems)
    found = {problem.removeprefix(f"{path}: line ").split(":")[0]: problem for problem in problems}
    assert {"2", "3", "4", "5", "6", "7", "8", "9", "10"} == found.keys()
    assert "exact_match must be a number in [0, 1], is 31.4" in found["4"]
    assert "doc_id must be a whole number" in found["7"]
    assert "no prompt as text: name a field of doc with --query-field" in found["8"]
    assert "document 0 comes twice" in found["9"]
    assert "query must be a valid text" in found["10"]


def test_two_runs_of_one_model_on_one_task_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path, "a", sample())
    second = write(tmp_path, "a", sample(), date=LATER)
    assert problems_of(tmp_path) == (f"{second}: a has results of why in {first} too: keep one",)


def test_files_and_folders_that_are_no_logs_are_named(tmp_path: Path) -> None:
    empty = write(tmp_path / "x", "a")
    odd = tmp_path / "samples_why.jsonl"
    odd.write_text("{}\n")
    (tmp_path / "none").mkdir()
    gone = tmp_path / f"samples_why_{DATE}.jsonl"
    problems = problems_of(empty, odd, tmp_path / "none", gone)
    assert problems[0] == f"{empty}: holds no sample"
    assert problems[1] == f"{odd}: is not named samples_<task>_<date>.jsonl"
    assert problems[2].startswith(f"{tmp_path / 'none'}: has no samples_*.jsonl below it")
    assert problems[3].startswith(f"{gone}: cannot be read at all")
