from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer.evaluation.pools import Average, PoolsError, read_pools

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
[[pools]]
name = "toy"
licence = "none"
train = "toy/train.jsonl"
average = "macro"
right_if_positive = ["sums"]
[pools.tests]
test = "toy/test.jsonl"
"""


def written(path: Path, text: str) -> Path:
    file = path / "pools.toml"
    file.write_text(text)
    return file


def test_the_pools_that_come_with_the_package_can_be_read() -> None:
    pools = {pool.name: pool for pool in read_pools()}
    assert set(pools["routerdc7"].tests) == {"test_id", "test_ood"}
    assert [p.name for p in pools.values() if p.average is Average.MACRO] == ["routerdc7"]
    assert len(pools) == 7


def test_a_pool_is_read(tmp_path: Path) -> None:
    (pool,) = read_pools(written(tmp_path, GOOD))
    assert (pool.name, pool.average) == ("toy", Average.MACRO)
    assert pool.right_if_positive == {"sums"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD + GOOD, "two pools are named 'toy'"),
        (GOOD.replace('"macro"', '"median"'), "average must be one of micro, macro, is 'median'"),
        (GOOD.replace("train =", "trian ="), "pools[0].train is missing"),
        (GOOD.replace("train =", "trian ="), "pools[0].trian is not a known field"),
        (GOOD.replace('test = "toy/test.jsonl"', ""), "pool 'toy' has no test"),
        ("[[pools", "cannot be read"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(PoolsError) as caught:
        read_pools(written(tmp_path, text))
    assert any(problem in found for found in caught.value.problems)
