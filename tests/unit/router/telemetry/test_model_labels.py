from __future__ import annotations

from services.router.types.model_labels import MAX_MODEL_LABELS, OTHER, ModelLabels


def test_the_first_models_in_use_have_labels_of_their_own_and_the_rest_share_one() -> None:
    labels = ModelLabels(limit=2)
    used = [labels.label(model_id) for model_id in ("a", "b", "c", "a", "d", "b")]
    assert used == ["a", "b", OTHER, "a", OTHER, "b"]


def test_a_pool_of_thousands_has_a_bounded_number_of_labels() -> None:
    labels = ModelLabels()
    found = {labels.label(f"model-{number}") for number in range(5_000)}
    assert len(found) == MAX_MODEL_LABELS + 1
