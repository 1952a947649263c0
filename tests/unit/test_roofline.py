"""What an encoder's work amounts to."""

from __future__ import annotations

import pytest

from tests.bench.roofline import Card, Encoder

CARD = Card(how="made up", operations_per_s=1e12, bytes_per_s=1e12)


def test_the_work_of_the_shipped_encoder_is_that_of_its_weights_and_attention() -> None:
    encoder = Encoder()
    weights = 6 * (4 * 384 * 384 + 2 * 384 * 1536)
    assert encoder.operations(1, 1) == pytest.approx(2 * weights + 6 * 4 * 384)
    assert encoder.operations(8, 64) == 8 * encoder.operations(1, 64)
    assert encoder.operations(1, 64) > 64 * encoder.operations(1, 1)


def test_one_short_query_is_bound_by_memory_and_many_long_ones_by_products() -> None:
    encoder = Encoder()
    alone = encoder.most_queries_per_s(CARD, 1, 1, item_bytes=4)
    assert alone == pytest.approx(1e12 / encoder.moved_bytes(1, 1, 4))
    many = encoder.most_queries_per_s(CARD, 128, 256, item_bytes=1)
    assert many == pytest.approx(128 * 1e12 / encoder.operations(128, 256))
