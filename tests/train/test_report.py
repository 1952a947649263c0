"""Pages of pictures: what is drawn is what was computed, and the same each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the [train] extra")

from matplotlib.figure import Figure
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.evaluation.harness import compare
from scorer.evaluation.methods.baselines import BestPerTask, BestSingle, Chance
from scorer.evaluation.methods.knn import NearestNeighbours
from scorer.evaluation.results import read_results, write_results
from scorer.measures.calibration import calibration_figures
from scorer.measures.intervals import Interval
from scorer.measures.ranking import hits_by_count, random_hits_by_count
from scorer.reports import artifact_page
from scorer.reports.changes import ALL_TASKS, changes_between
from scorer.reports.comparison import comparison_sections
from scorer.reports.evidence import Evidence
from scorer.reports.learning_curve import LearningCurve
from scorer.reports.page import PAGE_FILE, write_page
from scorer.reports.pictures.learning_plot import learning_curve
from scorer.reports.pictures.marks import marks_of
from tests.unit.scorer.evaluation.toy import toy_pool

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.evaluation.results import TestResult
    from scorer.reports.page import Picture, Section

pytestmark = pytest.mark.train

RECIPE = """
name = "tiny"
max_tokens = 16
validation_fraction = 0.25
seed = 5
[[sources]]
name = "all"
file = "records.jsonl"
licence = "none"
url = "none"
"""

METHODS = (Chance(), BestSingle(), BestPerTask(), NearestNeighbours())
NAN = np.nan


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the results of a small comparison."""
    directory = tmp_path_factory.mktemp("results")
    write_results(compare(toy_pool(), METHODS, seeds=2, directory=directory), directory)
    return directory


def toy_evidence(*, seed: int = 1, model_ids: tuple[str, ...] = ("a", "b", "c")) -> Evidence:
    draw = np.random.default_rng(seed)
    shape = (40, len(model_ids))
    targets = draw.integers(0, 2, shape).astype(np.float32)
    targets[:4, 0] = NAN
    return Evidence(
        version=f"toy-{seed}",
        artifact_model_ids=model_ids,
        model_ids=model_ids,
        record_ids=tuple(str(row) for row in range(40)),
        tasks=tuple("sums" if row % 3 else "poems" for row in range(40)),
        scores=draw.random(shape),
        teams=draw.random(shape),
        uncertainty=draw.random(40),
        targets=targets,
        train_means=draw.random(len(model_ids)),
    )


def drawn(picture: Picture) -> Figure:
    figure = Figure(figsize=picture.size)
    picture.draw(figure)
    return figure


def named(sections: list[Section], name: str) -> Picture:
    return next(p for section in sections for p in section.pictures if p.name == name)


def line(figure: Figure, label: str) -> tuple[list[float], list[float]]:
    axes = figure.axes[0]
    found = next(each for each in axes.lines if each.get_label() == label)
    return list(found.get_xdata()), list(found.get_ydata())


def shown(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def first(results: Path) -> TestResult:
    return read_results(results)[0]


def test_a_page_shows_every_picture_and_has_the_same_bytes_each_time(
    results: Path, tmp_path: Path
) -> None:
    evidence = toy_evidence()
    learned = LearningCurve(
        scores={
            10: Interval(mean=0.5, low=0.4, high=0.6),
            100: Interval(mean=0.6, low=0.5, high=0.7),
        },
        best_single=0.5,
    )
    changed = changes_between(toy_evidence(seed=2), evidence)
    sections = comparison_sections(read_results(results))[:1]
    sections += artifact_page.artifact_sections(evidence, None, changed, learned)
    contents = []
    for directory in (tmp_path / "one", tmp_path / "two"):
        directory.mkdir()
        write_page(directory, "a < b", sections)
        contents.append({path.name: path.read_bytes() for path in directory.iterdir()})
    assert contents[0] == contents[1]
    page = contents[0].pop(PAGE_FILE).decode()
    assert "<h1>a &lt; b</h1>" in page
    names = [f"{p.name}.svg" for section in sections for p in section.pictures]
    assert sorted(names) == sorted(contents[0])
    assert all(f'src="{name}"' in page for name in names)
    assert all(len(picture) > 2000 and b"</svg>" in picture for picture in contents[0].values())


def test_results_are_read_as_they_were_written(results: Path, tmp_path: Path) -> None:
    written = write_results(read_results(results), tmp_path)
    assert written.read_text() == (results / "results.json").read_text()


def test_the_command_writes_a_page_once_and_refuses_results_of_another_version(
    results: Path, tmp_path: Path
) -> None:
    def run(directory: Path, output: str) -> tuple[int, str]:
        arguments = ["report", "compare", str(directory), "--output", str(tmp_path / output)]
        result = CliRunner().invoke(app, arguments)
        return result.exit_code, result.output

    assert run(results, "page")[0] == 0
    assert (tmp_path / "page" / PAGE_FILE).is_file()
    assert run(results, "page")[0] == 1
    document = json.loads((results / "results.json").read_text())
    del document[0]["single_models"]
    old = tmp_path / "old"
    old.mkdir()
    (old / "results.json").write_text(json.dumps(document))
    code, output = run(old, "other")
    assert code == 1
    assert "compare again" in output
    assert not (tmp_path / "other").exists()


def test_hit_bars_are_as_long_as_the_figures(results: Path) -> None:
    result = first(results)
    figure = drawn(named(comparison_sections([result]), "toy-test-hits"))
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    expected = [
        result.methods[name].figures[figure_name].mean
        for figure_name in ("team_hit", "hit_at_1")
        for name in ("random", "best_single", "best_per_task", "knn", "oracle")
    ]
    assert widths == pytest.approx(expected)


def test_dots_and_intervals_of_the_forest_are_those_of_the_results(results: Path) -> None:
    result = first(results)
    figure = drawn(named(comparison_sections([result]), "toy-test-gain"))
    gain = result.methods["knn"].differences["best_single"]
    assert line(figure, "knn")[0] == [gain.mean]
    assert [gain.low, gain.high] in [list(each.get_xdata()) for each in figure.axes[0].lines]
    assert "random" not in [each.get_label() for each in figure.axes[0].lines]


def test_frontier_coverage_and_reliability_follow_the_curves(results: Path) -> None:
    result = first(results)
    sections, curves = comparison_sections([result]), result.methods["knn"].curves
    frontier = drawn(named(sections, "toy-test-frontier"))
    assert curves.frontier is not None
    assert line(frontier, "knn") == (list(curves.frontier.x), list(curves.frontier.y))
    dots = next(each for each in frontier.axes[0].lines if each.get_marker() == "D")
    models = result.single_models.values()
    assert list(dots.get_xdata()) == [model.cost_usd for model in models]
    assert list(dots.get_ydata()) == [model.score for model in models]
    coverage = drawn(named(sections, "toy-test-coverage"))
    assert line(coverage, "knn") == (list(curves.coverage.x), list(curves.coverage.y))
    reliability = drawn(named(sections, "toy-test-reliability"))
    shown = next(axes for axes in reliability.axes if axes.get_title().startswith("knn\n"))
    assert f"Brier {result.methods['knn'].figures['brier'].mean:.3f}" in shown.get_title()


def test_single_models_are_the_pool_columns(results: Path) -> None:
    test = toy_pool().tests["test"]
    found = first(results).single_models["right"]
    assert found.score == pytest.approx(test.targets[:, 2].mean())
    assert found.cost_usd == pytest.approx(1.0)


def test_hits_by_count_are_drawn_for_every_way_to_choose() -> None:
    evidence = toy_evidence()
    bars = drawn(artifact_page.hits(evidence)).axes[0].patches
    heights = np.array([bar.get_height() for bar in bars]).reshape(4, 3)
    assert heights[0] == pytest.approx(hits_by_count(evidence.scores, evidence.targets, 3))
    assert heights[1] == pytest.approx(hits_by_count(evidence.teams, evidence.targets, 3))
    assert heights[3] == pytest.approx(random_hits_by_count(evidence.targets, 3))


def test_heat_maps_hold_shares_and_means_and_ring_the_best() -> None:
    evidence = toy_evidence()
    shares = shown(drawn(artifact_page.first_choices_by_task(evidence)))
    assert shares.sum(axis=1) == pytest.approx([1.0, 1.0])
    figure = drawn(artifact_page.scores_by_task(evidence))
    means = shown(figure)
    columns = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    poems = np.array(evidence.tasks) == "poems"
    expected = [np.nanmean(evidence.targets[poems, "abc".index(name)]) for name in columns]
    assert means[0] == pytest.approx(expected)
    rings = [int(each.get_xdata()[0]) for each in figure.axes[0].lines]
    assert rings == means.argmax(axis=1).tolist()


def test_reliability_names_its_error_and_the_fallback_ends_at_both_means() -> None:
    evidence = toy_evidence()
    figures = calibration_figures(evidence.scores, evidence.targets)
    (legend,) = drawn(artifact_page.overall_reliability(evidence)).axes[0].get_legend().get_texts()
    assert legend.get_text() == (f"ECE {figures.calibration_error:.4f}, Brier {figures.brier:.4f}")
    _, scores = line(drawn(artifact_page.fallback(evidence)), "uncertainty of the artifact")
    assert scores[0] == pytest.approx(evidence.safe_outcomes.mean())
    assert scores[-1] == pytest.approx(evidence.outcomes.mean())


def test_what_changed_between_artifacts_is_found() -> None:
    before = toy_evidence(model_ids=("a", "b"))
    now = toy_evidence(model_ids=("b", "c")).take(range(30))
    changed = changes_between(before, now)
    assert (changed.added, changed.removed, changed.record_count) == (("c",), ("a",), 30)
    assert sum(changed.shares_now.values()) == pytest.approx(1)
    assert set(changed.shares_before) == {"a", "b"}
    gain = now.outcomes.mean() - before.take(range(30)).outcomes.mean()
    assert changed.gains[ALL_TASKS].mean == pytest.approx(gain)
    assert set(changed.gains) == {ALL_TASKS, "sums", "poems"}
    same = changes_between(now, now)
    assert (same.moved, same.gains[ALL_TASKS].low) == (0.0, 0.0)


def test_a_learning_curve_goes_through_its_points() -> None:
    scores = {
        50: Interval(mean=0.5, low=0.45, high=0.55),
        500: Interval(mean=0.7, low=0.6, high=0.8),
    }
    figure = Figure()
    learning_curve(figure, scores, best_single=0.6)
    assert line(figure, "scorer") == ([50, 500], [0.5, 0.7])
    assert list(line(figure, "best single model")[1]) == [0.6, 0.6]


def test_no_two_methods_of_a_picture_are_drawn_alike() -> None:
    names = [
        "random",
        "best_single",
        *(f"method {n}" for n in range(12)),
        "routemoa",
        "routemoa_edge",
    ]
    marks = marks_of(names)
    assert len({(mark.colour, mark.dash, mark.width) for mark in marks.values()}) == len(names)


def write_records(path: Path, *, count: int, start: int = 0) -> None:
    """`maths` is good at sums, `poet` at poems."""
    records = []
    for number in range(start, start + count):
        about_sums = number % 2 == 0
        words = "add the sum of" if about_sums else "a verse and rhyme on"
        scores = {"maths": float(about_sums), "poet": float(not about_sums)}
        task = "sums" if about_sums else "poems"
        query = f"{words} {number}"
        records.append({"id": str(number), "task": task, "query": query, "scores": scores})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


# The exporter warns about its own tracing; nothing of it is ours to mend.
@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.timeout(300)
def test_an_artifact_is_drawn_with_its_changes_and_its_learning_curve(tmp_path: Path) -> None:
    pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

    def run(*arguments: object) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output

    write_records(tmp_path / "records.jsonl", count=400)
    write_records(tmp_path / "test.jsonl", count=40, start=400)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    run("train", tmp_path / "recipe.toml", tmp_path / "checkpoint", "--data", tmp_path)
    run("export", tmp_path / "checkpoint", tmp_path / "fp32", "--created", "2026-01-02")
    test = [tmp_path / "fp32", tmp_path / "test.jsonl", "--baselines", tmp_path / "records.jsonl"]
    more = ["--previous", tmp_path / "fp32", "--learning-curve", tmp_path / "recipe.toml"]
    run("report", "artifact", *test, *more, "--data", tmp_path, "--output", tmp_path / "page")
    page = (tmp_path / "page" / PAGE_FILE).read_text()
    assert "0.0 % have another first choice" in page
    assert "Choosing by query is better than always taking the best single model" in page
    for name in ("hits", "first-choices", "reliability-by-model", "gain", "learning-curve"):
        assert (tmp_path / "page" / f"{name}.svg").stat().st_size > 2000
    # Which model is good at what is plain here, so every query goes to the right one.
    assert "score 1.0000 on average, +0.5000 against" in page
