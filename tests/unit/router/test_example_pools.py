from __future__ import annotations

from pathlib import Path

import pytest

from services.router.pool.pool import load_pool

DEPLOY = Path(__file__).parents[3] / "deploy"
EXAMPLES = {
    DEPLOY / "pools/small.yaml": 5,
    DEPLOY / "pools/large.yaml": 15,
    DEPLOY / "k8s/examples/pool.yaml": 3,
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_can_be_used_as_it_is_and_holds_no_key(path: Path) -> None:
    pool = load_pool(path)
    assert len(pool.models) == EXAMPLES[path]
    assert all(model.api_key_file is None for model in pool.models)
    assert all(model.prompt_price_usd_per_million_tokens > 0 for model in pool.models)
    assert "sk-" not in path.read_text()
