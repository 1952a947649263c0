"""List prices: what a call costs by them, and files that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.evaluation.answers.pool_file import pool_yaml
from services.evaluation.answers.prices import Price, PriceFileError, load_prices
from tests.unit.evaluation.answers.samples import POOL

if TYPE_CHECKING:
    from pathlib import Path


def test_a_call_costs_what_it_reads_and_writes() -> None:
    price = Price(prompt=1.0, completion=10.0)
    assert price.cost_usd("12345678", "two words") == pytest.approx((2 + 2 * 10) / 1e6)


def test_a_priced_pool_prices_every_recorded_call_and_its_pool_file() -> None:
    prices = {"cheap": Price(prompt=1, completion=2), "dear": Price(prompt=3, completion=4)}
    pool = POOL.priced(prices)
    assert pool.has_costs
    assert pool.test[0].costs_usd["dear"] == prices["dear"].cost_usd("Question 5?", "dear 5")
    assert "completion_price_usd_per_million_tokens: 4" in pool_yaml(pool, "http://x/v1")


def test_every_model_without_a_price_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("cheap: [1, -2]\nother: [1, 2]\n")
    with pytest.raises(PriceFileError, match="cheap, dear"):
        load_prices(path, POOL.models)
    path.write_text("cheap: [1, 2]\ndear: [0.5, 2.5]\n")
    assert load_prices(path, POOL.models)["dear"] == Price(prompt=0.5, completion=2.5)


@pytest.mark.parametrize("content", ["- a list", "{unclosed", ""])
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(content)
    with pytest.raises(PriceFileError):
        load_prices(path, POOL.models)
