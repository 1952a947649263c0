"""`routemoa up` says which models of a pool file are guessed."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from routemoa.cli.failures import StackError
from services.local import up
from services.local.stack import Stack, StackConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

POOL = """
models:
- id: Qwen2.5-72B-Instruct
  url: http://127.0.0.1:1/v1
  prompt_price_usd_per_million_tokens: 1
  completion_price_usd_per_million_tokens: 1
  context_window_tokens: 8192
- id: fast
  backend_model: openai/gpt-4o-mini
  url: http://127.0.0.1:1/v1
  prompt_price_usd_per_million_tokens: 1
  completion_price_usd_per_million_tokens: 1
  context_window_tokens: 8192
"""


class EndedStack(Stack):
    """A stack of which a process ended at once."""

    async def wait_for_failure(self) -> StackError:
        return StackError("ended")


@asynccontextmanager
async def ended_stack(_config: StackConfig) -> AsyncIterator[Stack]:
    yield EndedStack(
        router_address="127.0.0.1:1",
        scorer_address="127.0.0.1:2",
        judge_address="127.0.0.1:3",
        gateway_address="127.0.0.1:4",
        simulator_url=None,
        children=(),
    )


async def shown(monkeypatch: pytest.MonkeyPatch, config: StackConfig) -> str:
    monkeypatch.setattr(up, "running_stack", ended_stack)
    monkeypatch.setattr(Stack, "pids", dict.fromkeys(("gateway", "router", "scorer", "judge"), 1))
    console = Console(file=io.StringIO(), width=200)
    with pytest.raises(StackError):
        await up.serve(console, config)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_guessed_models_and_models_under_other_names_are_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pool_file = tmp_path / "pool.yaml"
    pool_file.write_text(POOL)
    text = await shown(monkeypatch, StackConfig(pool_file=pool_file))
    assert "fast is scored as gpt-4o-mini-2024-07-18." in text
    assert "The scorer does not know 1 of 2 models." in text
    assert "from 72B parameters, released 2024-09" in text
    assert "prior_score" in text


async def test_the_simulated_pool_needs_no_such_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "guess" not in await shown(monkeypatch, StackConfig())
