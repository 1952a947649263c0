"""Finds models with one class of scores, and models unknown to training."""

from scorer.data.records import Record, one_class_models, unknown_models


def record(**scores: float) -> Record:
    return Record(id="1", task="t", query="q", scores=scores)


def test_a_model_with_one_score_everywhere_has_one_class() -> None:
    records = [
        record(right=1, wrong=0, even=0.5, mixed=0, graded=0.2),
        record(right=1, wrong=0, even=0.5, mixed=1, graded=0.3, once=1),
    ]
    assert one_class_models(records) == ("even", "once", "right", "wrong")


def test_a_model_of_the_test_that_training_never_saw_is_unknown() -> None:
    train = [record(a=1), record(b=0)]
    assert unknown_models([record(b=1, d=1), record(c=0)], train=train) == ("c", "d")
    assert unknown_models(train, train=train) == ()
