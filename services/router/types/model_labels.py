"""The label of a model in metrics: its id, or `other` once many models have a label of their own."""

from __future__ import annotations

MAX_MODEL_LABELS = 50
"""Models with series of their own. A pool of thousands would else have hundreds of thousands."""
OTHER = "other"


class ModelLabels:
    """Gives labels to the first models that are in use; the rest share one.

    Models that are called often are among the first, whatever the size of the pool.
    """

    def __init__(self, limit: int = MAX_MODEL_LABELS) -> None:
        self._limit = limit
        self._labelled: set[str] = set()

    def label(self, model_id: str) -> str:
        """Returns the label of a model that is in use."""
        if model_id in self._labelled:
            return model_id
        if len(self._labelled) >= self._limit:
            return OTHER
        self._labelled.add(model_id)
        return model_id

    def release(self, model_id: str) -> bool:
        """Frees the label of a model that has left; returns whether it had one of its own."""
        if model_id not in self._labelled:
            return False
        self._labelled.remove(model_id)
        return True


MODEL_LABELS = ModelLabels()
"""The labels in all metrics of this process."""
