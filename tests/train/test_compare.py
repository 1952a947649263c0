"""Methods that need torch learn what can be learned, and their losses are the published ones."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("transformers", reason="needs the [train] extra")

import numpy as np
import torch
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.records import Record, targets_of, write_records
from scorer.evaluation.dataset import Dataset, Pool
from scorer.evaluation.features import TextFeatures
from scorer.evaluation.methods.dual_contrastive_loss import group_loss, sample_model_loss
from scorer.evaluation.methods.linear import Linear
from scorer.evaluation.methods.matrix_factorization import MatrixFactorization, draw_pairs
from scorer.evaluation.methods.mlp import Perceptron
from scorer.evaluation.methods.registry import methods_with
from scorer.evaluation.methods.routemoa import RouteMoA
from scorer.evaluation.methods.routerdc import Recipe, RouterDC, batches
from scorer.evaluation.methods.routerdc_tuned import TunedRouterDC
from scorer.evaluation.pools import Average
from scorer.evaluation.runs import RunStore
from scorer.evaluation.source_code import modules_of
from scorer.measures.ranking import random_figures, ranking_figures
from scorer.training.embedding_cache import EmbeddingCache
from scorer.training.mixture.clusters import cluster
from tests.train.planted import CONFIG
from tests.train.tiny_encoder import WORDS, save_tiny_encoder
from tests.unit.scorer.evaluation.test_harness import relabelled
from tests.unit.scorer.evaluation.toy import toy_pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    import numpy.typing as npt

    from scorer.evaluation.methods.method import Method

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]

POOLS = """
[[pools]]
name = "words"
licence = "none"
train = "train.jsonl"
average = "micro"
[pools.tests]
test = "test.jsonl"
"""

POOL = toy_pool()
TEST = POOL.tests["test"]
SHORT = Recipe(steps=200, clusters=2)
LEARNERS: tuple[Method, ...] = (
    Linear(),
    Perceptron(),
    MatrixFactorization(),
    RouterDC(recipe=SHORT),
    RouterDC(name="routerdc_published", as_published=True, temperatures=(1.0,), recipe=SHORT),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products this small gain nothing from threads, and on a busy machine threads wait for long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("method", LEARNERS, ids=lambda method: method.name)
def test_every_method_learns_a_pool_that_can_be_learned(method: Method) -> None:
    scores = method.fit(POOL.train, seed=0).predict(TEST.queries())
    assert scores.shape == TEST.targets.shape
    assert ((scores >= 0) & (scores <= 1)).all()
    found = ranking_figures(scores, TEST.targets).mean_score
    assert found > random_figures(TEST.targets).mean_score + 0.2
    assert found > TEST.targets.mean(axis=0).max()


@pytest.mark.parametrize("method", LEARNERS, ids=lambda method: method.name)
def test_labels_of_a_test_reach_no_prediction(method: Method, tmp_path: Path) -> None:
    found = RunStore(tmp_path / "one").run(POOL, method, 0)
    other = RunStore(tmp_path / "two").run(relabelled(POOL), method, 0)
    for name in POOL.tests:
        assert (found.predictions[name].scores == other.predictions[name].scores).all()


class Letters:
    """Embeds a text by the number of its letters."""

    name = "letters"

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        letters = "aeiou0123456789"
        counts = np.array([[text.count(each) + 1 for each in letters] for text in texts], "f4")
        unit: npt.NDArray[np.float32] = counts / np.linalg.norm(counts, axis=1, keepdims=True)
        return unit


def test_all_code_that_our_method_runs_is_in_the_key_of_its_runs(tmp_path: Path) -> None:
    method = RouteMoA(encoder=EmbeddingCache(tmp_path, Letters()), config=CONFIG)
    ran: set[str] = set()

    def record(frame: FrameType, _event: str, _argument: object) -> None:
        ran.add(frame.f_globals.get("__name__", ""))

    sys.setprofile(record)
    try:
        method.fit(POOL.train, seed=0).predict_all(TEST.queries(), 3)
    finally:
        sys.setprofile(None)
    ran = {name for name in ran if name.startswith("scorer.")}
    expected = {"scorer.data.splits", "scorer.measures.ranking", "scorer.training.calibrate"}
    assert expected < ran
    assert "scorer.training.mixture.kinds" in ran
    assert ran <= set(modules_of(method))


def test_the_encoder_of_our_method_is_a_setting(tmp_path: Path) -> None:
    assert "letters" in repr(RouteMoA(encoder=EmbeddingCache(tmp_path, Letters())))


def test_a_tuned_encoder_learns_from_the_texts(tmp_path: Path) -> None:
    pool = worded_pool()
    method = TunedRouterDC(
        source=str(save_tiny_encoder(tmp_path)),
        max_tokens=16,
        learning_rate=3e-3,
        recipe=Recipe(steps=60, clusters=2, steps_per_check=20),
    )
    scores = method.fit(pool.train, seed=0).predict(pool.tests["test"].queries())
    assert ranking_figures(scores, pool.tests["test"].targets).mean_score > 0.9


def test_the_command_compares_resumes_and_writes(tmp_path: Path) -> None:
    encoder = save_tiny_encoder(tmp_path)
    pool = worded_pool()
    for name, data in {"train": pool.train, **pool.tests}.items():
        write_records(tmp_path / f"{name}.jsonl", data.records)
    (tmp_path / "pools.toml").write_text(POOLS)
    arguments = ["compare", "--data", tmp_path, "--pools", tmp_path / "pools.toml"]
    arguments += ["--encoder", encoder, "--embeddings", tmp_path / "embeddings", "--seeds", 2]
    arguments += ["--features", "ngrams", "--features", "encoder"]
    arguments += ["--method", "linear", "--method", "best_single", "--output", tmp_path / "out"]
    arguments += ["--markdown", tmp_path / "page.md"]
    first = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert first.exit_code == 0, first.output
    assert "words test (80 queries), ngrams" in first.output
    runs = [tmp_path / "out" / kind / "runs" for kind in ("ngrams", "encoder")]
    kept = {path: path.stat().st_mtime_ns for folder in runs for path in folder.iterdir()}
    assert len(kept) == 8
    page = (tmp_path / "page.md").read_text()
    assert "### With n-grams" in page
    assert "### With an encoder and n-grams" in page
    again = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for folder in runs for path in folder.iterdir()} == kept
    assert (tmp_path / "page.md").read_text() == page
    (result,) = json.loads((tmp_path / "out/ngrams/results.json").read_text())
    assert result["methods"]["linear"]["differences"]["best_single"]["low"] > 0.2
    wrong = CliRunner().invoke(app, [*map(str, arguments), "--method", "oracles"])
    assert wrong.exit_code == 2
    assert "no method oracles" in wrong.output


@pytest.mark.parametrize("has_encoder", [False, True])
def test_all_methods_read_the_features_of_ours(tmp_path: Path, *, has_encoder: bool) -> None:
    encoder = EmbeddingCache(tmp_path, Letters()) if has_encoder else None
    train, test = POOL.train, POOL.tests["test"]
    read = TextFeatures(encoder=encoder, config=CONFIG).fitted(train.texts)
    assert read(test.texts).shape == (len(test), 16 + (15 if has_encoder else 0))
    ours = RouteMoA(encoder=encoder, config=CONFIG).fit(train, seed=0)
    examples = ours.method.examples(test.queries(), test.targets, test.weights)
    features = ours.learned.features(examples)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.allclose(read(test.texts), unit, atol=1e-5)
    given = methods_with(encoder)
    assert [method.name for method in given][-1] == "routemoa"
    assert ("letters" in repr(given[-1])) == has_encoder


def test_methods_have_names_of_their_own() -> None:
    methods = methods_with(None)
    assert len({method.name for method in methods}) == len(methods)


def test_models_without_labels_do_no_harm() -> None:
    targets = POOL.train.targets.copy()
    targets[np.random.default_rng(1).random(targets.shape) < 0.5] = np.nan
    train = dataclasses.replace(POOL.train, targets=targets)
    for method in (Linear(), MatrixFactorization()):
        scores = method.fit(train, seed=0).predict(TEST.queries())
        assert ranking_figures(scores, TEST.targets).mean_score > TEST.targets.mean(axis=0).max()


def test_the_floor_and_the_chance_level_of_the_published_loss() -> None:
    labels = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    best = torch.tensor([[1.0, -1.0, -1.0, -1.0]])
    even = torch.zeros(1, 4)
    for as_published in (True, False):
        floor = sample_model_loss(best, labels, top=1, last=3, as_published=as_published)
        chance = sample_model_loss(even, labels, top=1, last=3, as_published=as_published)
        assert float(floor) == pytest.approx(0.3408, abs=1e-4)
        assert float(chance) == pytest.approx(1.3863, abs=1e-4)


def test_a_failed_positive_is_skipped_and_as_published_only_scales_the_batch() -> None:
    # Second query: nobody is right, so its only positive failed.
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    logits = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    first = math.log(1 + math.exp(-2.0))
    # Its positive and its negative are both the first model of equal labels that topk returns.
    failed = _pair_loss(logits[1], labels[1])
    fixed = sample_model_loss(logits, labels, top=1, last=1, as_published=False)
    published = sample_model_loss(logits, labels, top=1, last=1, as_published=True)
    assert float(fixed) == pytest.approx(first / 2)
    assert float(published) == pytest.approx((first + failed) / 2 * 0.5)


def test_a_good_model_is_never_a_negative() -> None:
    labels = torch.tensor([[1.0, 0.9, 0.8]])
    logits = torch.tensor([[0.1, 5.0, 5.0]])
    loss = sample_model_loss(logits, labels, top=1, last=2, as_published=False)
    assert float(loss) == pytest.approx(0.0, abs=1e-6)


def test_a_model_without_a_label_is_neither_positive_nor_negative() -> None:
    labels = torch.tensor([[1.0, 0.0, math.nan]])
    logits = torch.tensor([[1.0, 0.0, 9.0]])
    loss = sample_model_loss(logits, labels, top=2, last=2, as_published=False)
    # Positives: the first model; the second failed and is masked. Negatives: the second.
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-1.0)))


def test_the_group_loss_of_a_case_worked_by_hand() -> None:
    # Two groups of two; every partner and negative is forced but for which of two negatives.
    queries = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 1.0]])
    groups = torch.tensor([0, 0, 1, 1])
    loss = group_loss(queries, groups, negatives=2, as_published=False)
    rows = [(0.6, [0.0, 0.0]), (0.6, [0.8, 0.8]), (1.0, [0.0, 0.8]), (1.0, [0.0, 0.8])]
    expected = [
        math.log(math.exp(p) + sum(math.exp(n) for n in negatives)) - p for p, negatives in rows
    ]
    assert float(loss) == pytest.approx(sum(expected) / 4, rel=1e-5)


def test_as_published_a_skipped_query_shifts_the_rows() -> None:
    # The first query has one query of another group and needs three, so it is left out; of the
    # others, none has three either but the last.
    queries = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
    groups = torch.tensor([0, 0, 0, 1])
    # Its partner can only be itself, which is a defect of its own: fixed, nothing is left.
    assert float(group_loss(queries, groups, negatives=3, as_published=False)) == 0
    found = float(group_loss(queries, groups, negatives=3, as_published=True))
    # Read from the first query's similarities to queries 3 (partner), 0, 1 and 2 (negatives).
    partner, negatives = 0.0, (1.0, 0.8, 0.6)
    expected = math.log(math.exp(partner) + sum(map(math.exp, negatives))) - partner
    assert found == pytest.approx(expected, rel=1e-5)


def test_as_published_only_the_first_rows_of_a_task_are_used_and_repeated() -> None:
    rows = batches(POOL.train, Recipe(steps=125, batch_size=16), as_published=True).flatten()
    tasks = np.array(POOL.train.tasks)[rows.numpy()]
    assert len(rows) == 2000
    assert (tasks == "b").sum() == 1000


def test_clusters_are_those_of_the_embeddings() -> None:
    draw = np.random.default_rng(1)
    centres = np.eye(3, 8)[draw.integers(3, size=90)]
    embeddings = centres + 0.05 * draw.normal(size=(90, 8))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    groups = [cluster(embeddings.astype(np.float32), 3, seed=seed) for seed in range(10)]
    pure = [
        all(len(set(centres[found == g].argmax(axis=1))) == 1 for g in set(found))
        for found in groups
    ]
    assert any(pure)


def test_a_pair_is_a_winner_and_a_loser_of_one_query() -> None:
    targets = torch.tensor([[1.0, 0.0, math.nan], [0.5, 0.5, 0.5], [0.0, 0.2, 0.9]])
    for _ in range(20):
        rows, winners, losers = draw_pairs(targets)
        assert rows.tolist() == [0, 2]
        assert (targets[rows, winners] > targets[rows, losers]).all()
        assert (winners[0], losers[0]) == (0, 1)


def _pair_loss(logits: torch.Tensor, labels: torch.Tensor) -> float:
    positive = int(labels.topk(1).indices[0])
    negative = int(labels.topk(1, largest=False).indices[0])
    return float(torch.logsumexp(logits[[positive, negative]], 0) - logits[positive])


def worded_pool() -> Pool:
    """Sums are for one model and poems for the other, and only the words tell."""

    def worded(count: int, seed: int) -> Dataset:
        draw = np.random.default_rng(seed)
        records = []
        for row in range(count):
            about_sums = bool(draw.integers(2))
            topic = WORDS[:3] if about_sums else WORDS[3:6]
            text = " ".join([*draw.choice(topic, 3), *draw.choice(WORDS[6:], 6)])
            scores = {"adder": float(about_sums), "poet": float(not about_sums)}
            records.append(Record(id=f"{seed} {row}", task="any", query=text, scores=scores))
        texts = tuple(record.query for record in records)
        counts = np.array([[text.count(word) for word in WORDS] for text in texts])
        return Dataset(
            texts=texts,
            tasks=("any",) * count,
            features=(counts / np.linalg.norm(counts, axis=1)[:, None]).astype("f4"),
            records=tuple(records),
            model_ids=("adder", "poet"),
            targets=targets_of(records, ("adder", "poet")),
            costs_usd=None,
            completion_tokens=None,
            average=Average.MICRO,
        )

    return Pool(name="words", train=worded(240, 1), tests={"test": worded(80, 2)})
