from __future__ import annotations

from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.metrics import REPLICAS
from services.router.backends.replicas.replica_set import ReplicaSet
from services.router.types.model_labels import MAX_MODEL_LABELS, OTHER, ModelLabels


def test_the_first_models_in_use_have_labels_of_their_own_and_the_rest_share_one() -> None:
    labels = ModelLabels(limit=2)
    used = [labels.label(model_id) for model_id in ("a", "b", "c", "a", "d", "b")]
    assert used == ["a", "b", OTHER, "a", OTHER, "b"]


def test_a_pool_of_thousands_has_a_bounded_number_of_labels() -> None:
    labels = ModelLabels()
    found = {labels.label(f"model-{number}") for number in range(5_000)}
    assert len(found) == MAX_MODEL_LABELS + 1


def test_a_label_that_is_released_is_free_for_another_model() -> None:
    labels = ModelLabels(limit=1)
    assert [labels.label("a"), labels.label("b")] == ["a", OTHER]
    assert labels.release("a")
    assert not labels.release("b")
    assert labels.label("b") == "b"


def test_a_pool_of_very_many_models_has_few_series_and_forgets_them() -> None:
    def shown() -> dict[str, float]:
        samples = next(iter(REPLICAS.collect())).samples
        return {sample.labels["model_id"]: sample.value for sample in samples}

    before = shown()
    models = [ReplicaSet(f"of many {number}", ReplicaSettings()) for number in range(200)]
    for model in models:
        model.update(["http://one/v1", "http://two/v1"])
    assert sum(shown().values()) - sum(before.values()) == 400
    assert 0 < len(shown().keys() - before.keys()) <= MAX_MODEL_LABELS + 1
    for model in models:
        model.forget()
    after = shown()
    assert after.pop(OTHER, 0.0) == before.pop(OTHER, 0.0)
    assert after == before
