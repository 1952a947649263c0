"""A pool folder as it is read, and what is wrong with those that cannot be."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from services.evaluation.answers.recorded_pool import PoolFolderError, load_recorded_pool
from tests.unit.evaluation.answers.samples import POOL

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


def row(number: int, **fields: Any) -> dict[str, Any]:
    scores = {"a": 1.0, "b": 0.0, "scores only": 0.5}
    return {"id": str(number), "task": "t", "query": f"q{number}", "scores": scores} | fields


def test_records_and_responses_are_joined_and_only_models_with_responses_stay(
    tmp_path: Path,
) -> None:
    write(tmp_path, "train", row(1))
    write(tmp_path, "test", row(2))
    write(tmp_path, "responses_test", {"id": "2", "responses": {"a": "A", "b": "B"}})
    pool = load_recorded_pool(tmp_path)
    assert pool.models == ("a", "b")
    assert pool.test[0].responses == {"a": "A", "b": "B"}
    assert pool.responses_file == tmp_path / "responses_test.jsonl.gz"
    assert not pool.has_costs


def test_records_may_hold_responses_and_costs(tmp_path: Path) -> None:
    fields = {
        "question": "Actual?",
        "responses": {"a": "A", "b": "B"},
        "cost_usd": {"a": 0.1, "b": 0.2},
    }
    write(tmp_path, "train", row(1, **fields))
    write(tmp_path, "test", row(2, **fields))
    pool = load_recorded_pool(tmp_path)
    assert pool.test[0].query == "Actual?"
    assert pool.responses_file is None
    assert pool.has_costs


def test_of_test_records_with_the_same_text_the_first_stays(tmp_path: Path) -> None:
    write(tmp_path, "train", row(1))
    same = {"responses": {"a": "A"}}
    write(tmp_path, "test", row(2, **same), row(3, query=" q2\n", **same), row(4, **same))
    assert [query.id for query in load_recorded_pool(tmp_path).test] == ["2", "4"]


def test_every_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PoolFolderError, match=r"no train\.jsonl\.gz and no test\.jsonl\.gz"):
        load_recorded_pool(tmp_path)


def test_a_record_without_a_field_is_named(tmp_path: Path) -> None:
    write(tmp_path, "train", row(1))
    write(tmp_path, "test", {"id": "2", "query": "q"})
    with pytest.raises(PoolFolderError, match="line 1: scores must be an object"):
        load_recorded_pool(tmp_path)


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", row(1))
    (tmp_path / "test.jsonl.gz").write_text("{}")
    with pytest.raises(PoolFolderError, match="cannot be read"):
        load_recorded_pool(tmp_path)


def test_a_folder_without_responses_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", row(1))
    write(tmp_path, "test", row(2))
    with pytest.raises(PoolFolderError, match="no model has a score and a response"):
        load_recorded_pool(tmp_path)


def test_models_can_be_left_out_but_not_all_and_not_unknown_ones() -> None:
    assert POOL.without(["dear"]).models == ("cheap",)
    assert POOL.without([]) == POOL
    with pytest.raises(PoolFolderError, match="not in the pool: other"):
        POOL.without(["dear", "other"])
    with pytest.raises(PoolFolderError, match="no model would be left"):
        POOL.without(["cheap", "dear"])
