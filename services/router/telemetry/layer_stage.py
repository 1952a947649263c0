"""The span of a layer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.rpc.tracing.attributes import LAYER_MODELS, LAYER_NUMBER
from services.rpc.tracing.spans import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def layer_stage(number: int, model_ids: Sequence[str]) -> Iterator[None]:
    """Opens the span of a layer, which begins with some models."""
    with stage(f"layer {number}") as span:
        if span.is_recording():
            span.set_attribute(LAYER_NUMBER, number)
            span.set_attribute(LAYER_MODELS, model_ids)
        yield
