from __future__ import annotations

import numpy as np
import pytest

from services.examination.abilities.item_response import (
    Abilities,
    Marks,
    expecting,
    fit_abilities,
    sigmoid,
)
from services.examination.abilities.marks_test import Part, difference
from services.examination.abilities.next_question import next_cell, wanted_errors

KINDS, LEVELS = 4, 5
THERE = np.ones((KINDS, LEVELS))
DIFFICULTY = np.tile(np.linspace(-1.6, 1.6, LEVELS), (KINDS, 1))


def truth(draw: np.random.Generator, models: int) -> np.ndarray:
    """Chances of a right answer, (M, K, L)."""
    ability = draw.normal(0, 1.2, (models, 1)) + draw.normal(0, 0.6, (models, KINDS))
    difficulty = DIFFICULTY + draw.normal(0, 0.5, (KINDS, LEVELS))
    return np.asarray(sigmoid(ability[:, :, None] - difficulty))


def asked(draw: np.random.Generator, chances: np.ndarray, count: int) -> Marks:
    """Marks of `count` questions of each cell."""
    right = draw.binomial(count, chances).astype(float)
    return Marks(asked=np.full(chances.shape, float(count)), right=right)


def test_intervals_hold_the_true_share_of_right_answers() -> None:
    inside = []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        chances = truth(draw, 5)
        found = fit_abilities(asked(draw, chances, 3), THERE)
        gaps = np.abs(found.success - chances.mean(axis=2))
        inside.append((gaps <= 1.96 * found.success_errors).mean())
    assert 0.9 < np.mean(inside) < 0.99


def test_more_answers_make_intervals_narrower_and_estimates_better() -> None:
    errors, widths = [], []
    for count in (1, 5, 25):
        draw = np.random.default_rng(3)
        chances = truth(draw, 6)
        found = fit_abilities(asked(draw, chances, count), THERE)
        errors.append(np.abs(found.success - chances.mean(axis=2)).mean())
        widths.append(found.success_errors.mean())
    assert errors[0] > errors[1] > errors[2]
    assert widths[0] > widths[1] > widths[2]


def test_answers_of_one_kind_tell_of_the_others_but_less() -> None:
    marks = Marks.none(1, KINDS, LEVELS)
    nothing = fit_abilities(marks, THERE)
    marks.asked[0, 0] = marks.right[0, 0] = 10
    found = fit_abilities(marks, THERE)
    assert (found.success[0] > nothing.success[0] + 0.1).all()
    assert found.success[0, 0] > found.success[0, 1:].max()
    assert found.success_errors[0, 0] < found.success_errors[0, 1:].min()
    assert (found.success_errors[0] < nothing.success_errors[0]).all()


def test_all_right_and_all_wrong_answers_stay_finite() -> None:
    for share in (0.0, 1.0):
        marks = Marks.none(2, KINDS, LEVELS)
        marks.asked[:] = 400
        marks.right[:] = 400 * share
        found = fit_abilities(marks, THERE)
        assert np.isfinite(found.success_errors).all()
        assert np.abs(found.success - share).max() < 0.05


def test_levels_without_questions_play_no_part() -> None:
    levels = THERE.copy()
    levels[0, 1:] = 0
    found = fit_abilities(Marks.none(2, KINDS, LEVELS), levels)
    assert found.success[0, 0] == pytest.approx(found.chances[0, 0, 0])


def test_an_expected_answer_narrows_the_interval_as_the_answer_itself_does() -> None:
    draw = np.random.default_rng(5)
    marks = asked(draw, truth(draw, 3), 4)
    before = fit_abilities(marks, THERE)
    expected = expecting(before, 1, 2, 3)
    chance = before.chances[1, 2, 3]
    marks.asked[1, 2, 3] += 1
    marks.right[1, 2, 3] += chance
    after = fit_abilities(marks, THERE)
    assert expected.success_errors[1, 2] < before.success_errors[1, 2]
    assert np.allclose(expected.success_errors, after.success_errors, rtol=0.01)


def until_known(seed: int, *, adaptive: bool) -> tuple[int, np.ndarray, np.ndarray, Abilities]:
    """Asks until every interval is small enough; returns the questions and the truth."""
    draw = np.random.default_rng(seed)
    chances = truth(draw, 4)
    marks = Marks.none(*chances.shape)
    available = np.ones((KINDS, LEVELS), dtype=bool)
    found, open_models = fit_abilities(marks, THERE), set(range(4))
    while open_models:
        wanted = wanted_errors(found, 0.12)
        for model in sorted(open_models):
            cell = next_cell(found, model, available, wanted)
            if cell is None:
                open_models.discard(model)
                continue
            where = (model, cell.kind, cell.level)
            if not adaptive:
                where = (model, int(draw.integers(KINDS)), int(draw.integers(LEVELS)))
            marks.asked[where] += 1
            marks.right[where] += draw.random() < chances[where]
        found = fit_abilities(marks, THERE, found)
    return int(marks.asked.sum()), marks.asked.sum(axis=(1, 2)), chances, found


def test_chosen_questions_tell_more_than_random_ones() -> None:
    chosen = [until_known(seed, adaptive=True)[0] for seed in range(6)]
    random = [until_known(seed, adaptive=False)[0] for seed in range(6)]
    assert sum(chosen) < 0.85 * sum(random)


def test_a_model_far_behind_is_asked_less() -> None:
    fewer = 0
    for seed in range(6):
        _, counts, chances, _ = until_known(seed, adaptive=True)
        means = chances.mean(axis=(1, 2))
        fewer += int(counts[means.argmin()] < counts[means.argmax()])
    assert fewer >= 5


def test_nothing_is_asked_once_enough_is_known() -> None:
    draw = np.random.default_rng(1)
    found = fit_abilities(asked(draw, truth(draw, 2), 200), THERE)
    wanted = wanted_errors(found, 0.1)
    available = np.ones((KINDS, LEVELS), dtype=bool)
    assert next_cell(found, 0, available, wanted) is None
    assert next_cell(found, 0, ~available, wanted / 100) is None


def halves(seed: int, shift: float) -> bool:
    """Returns whether a model is found to have changed by so many logits."""
    draw = np.random.default_rng(seed)
    ability = draw.normal(0, 1) - DIFFICULTY
    parts = []
    for logits in (ability, ability + shift):
        marks = asked(draw, np.asarray(sigmoid(logits))[None], 4)
        parts.append(Part(asked=marks.asked[0], right=marks.right[0]))
    return difference(parts[0], parts[1], np.asarray(sigmoid(ability + shift / 2))).is_significant


def test_a_changed_model_is_noticed_and_an_unchanged_one_is_not() -> None:
    assert sum(halves(seed, 0.0) for seed in range(300)) <= 2
    assert sum(halves(seed, -2.0) for seed in range(50)) >= 43


def test_a_change_in_one_kind_is_noticed() -> None:
    chances = np.full((KINDS, LEVELS), 0.5)
    before = Part(asked=np.full((KINDS, LEVELS), 10.0), right=np.full((KINDS, LEVELS), 5.0))
    right = before.right.copy()
    right[2] = 1.0
    found = difference(before, Part(asked=before.asked, right=right), chances)
    assert found.is_significant
    assert found.kind == 2
    assert found.logits < -1


def test_too_few_answers_show_nothing() -> None:
    none = Part(asked=np.zeros((KINDS, LEVELS)), right=np.zeros((KINDS, LEVELS)))
    assert not difference(none, none, np.full((KINDS, LEVELS), 0.5)).is_significant
