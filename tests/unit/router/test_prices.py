from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.router.pool.model import PoolModel

PRICES = {
    "prompt_price_usd_per_million_tokens": 1,
    "completion_price_usd_per_million_tokens": 2,
}


def priced(**more: float) -> PoolModel:
    return PoolModel.model_validate(
        {
            "id": "m",
            "url": "http://localhost/v1",
            "context_window_tokens": 8192,
            "max_reply_tokens": 100,
            **PRICES,
            **more,
        }
    )


READ = {"cached_prompt_price_usd_per_million_tokens": 0.1}
WRITTEN = {"cache_written_prompt_price_usd_per_million_tokens": 1.25}


def cost(model: PoolModel, prompt: int, cached: int = 0, written: int = 0) -> float:
    return model.prices.cost_usd(
        prompt_tokens=prompt,
        completion_tokens=10,
        cached_prompt_tokens=cached,
        cache_written_prompt_tokens=written,
    )


def test_cached_tokens_have_a_price_of_their_own() -> None:
    assert cost(priced(**READ), 10_000, cached=9_000) == pytest.approx(
        (1_000 * 1 + 9_000 * 0.1 + 10 * 2) / 1e6
    )
    both = priced(**READ, **WRITTEN)
    assert cost(both, 10_000, cached=6_000, written=3_000) == pytest.approx(
        (1_000 * 1 + 6_000 * 0.1 + 3_000 * 1.25 + 10 * 2) / 1e6
    )


def test_cached_tokens_have_the_prompts_price_if_the_pool_has_no_other() -> None:
    assert cost(priced(), 10_000, cached=9_000, written=500) == cost(priced(), 10_000)


def test_the_worst_case_has_the_prompt_at_its_highest_price() -> None:
    assert priced(**READ).worst_case(1_000).usd == pytest.approx((1_000 * 1 + 100 * 2) / 1e6)
    assert priced(**READ, **WRITTEN).worst_case(1_000).usd == pytest.approx(
        (1_000 * 1.25 + 100 * 2) / 1e6
    )


def test_the_version_of_prices_covers_those_of_cached_tokens() -> None:
    models = [priced(), priced(**READ), priced(**WRITTEN), priced(**READ, **WRITTEN)]
    assert len({model.price_version for model in models}) == 4
    same = priced(cached_prompt_price_usd_per_million_tokens=1)
    assert same.price_version == priced().price_version


@pytest.mark.parametrize("name", [*READ, *WRITTEN])
@pytest.mark.parametrize("price", [-0.1, float("nan"), float("inf")])
def test_a_price_is_a_number_from_zero_on(name: str, price: float) -> None:
    with pytest.raises(ValidationError):
        priced(**{name: price})
