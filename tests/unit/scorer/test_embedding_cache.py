from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.training import embedding_cache
from scorer.training.embedding_cache import EmbeddingCache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt


class Counting:
    """An encoder that remembers what it was asked for, and fails at a text if told to."""

    def __init__(self, name: str = "toy", *, fails_at: str = "") -> None:
        self.name = name
        self.asked: list[str] = []
        self._fails_at = fails_at

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if self._fails_at in texts:
            raise RuntimeError("interrupted")
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def test_texts_keep_their_order_and_their_own_embedding(tmp_path: Path) -> None:
    found = EmbeddingCache(tmp_path, Counting()).embed(["ccc", "a", "bb", "a"])
    assert found.tolist() == [[3, 99], [1, 97], [2, 98], [1, 97]]


def test_a_text_is_embedded_once_ever(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, Counting()).embed(["a", "bb", "a"])
    later = Counting()
    found = EmbeddingCache(tmp_path, later).embed(["bb", "c", "a"])
    assert later.asked == ["c"]
    assert found.tolist() == [[2, 98], [1, 99], [1, 97]]


def test_another_encoder_shares_nothing(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, Counting("one")).embed(["a"])
    other = Counting("two")
    EmbeddingCache(tmp_path, other).embed(["a"])
    assert other.asked == ["a"]


def test_an_interrupted_run_keeps_its_finished_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache, "SHARD_SIZE", 2)
    texts = ["a", "bb", "ccc", "dddd"]
    with pytest.raises(RuntimeError, match="interrupted"):
        EmbeddingCache(tmp_path, Counting(fails_at="dddd")).embed(texts)
    later = Counting()
    EmbeddingCache(tmp_path, later).embed(texts)
    assert later.asked == ["ccc", "dddd"]
    assert not list(tmp_path.rglob("*.part"))
