"""Recipe + records -> checkpoint. Needs torch.

``records -> split -> embed once with the frozen encoder -> fit the head on the cached embeddings
-> optionally train encoder and head together -> calibrate on held-out records -> fold -> save``

The loss is the binary cross-entropy over the labels that exist: a record without a score for a
model says nothing about that model, so pools of different models can be trained together.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from scorer.artifact import DataSource
from scorer.batches import length_buckets, pad
from scorer.calibrate import fit_calibration, sigmoid
from scorer.checkpoint import Facts, save_checkpoint
from scorer.data.checks import one_class_models
from scorer.data.records import model_ids_of, read_records, targets_of
from scorer.data.splits import split_records
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_figures
from scorer.model import new_scorer, save_tokenizer
from scorer.progress import track
from scorer.tokenizer import QueryTokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from scorer.config import HeadConfig, Recipe, TuningConfig
    from scorer.data.records import Record
    from scorer.model import Head, Scorer
    from scorer.tokenizer import TokenizedQuery

EMBEDDING_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One side of the data: N queries and their labels."""

    records: list[Record]
    queries: list[TokenizedQuery]
    targets: torch.Tensor
    """(N, M), NaN where there is no label."""


def train(recipe: Recipe, *, data: Path, output: Path, warn: Callable[[str], None]) -> Facts:
    """Trains a scorer and writes the checkpoint into the existing directory ``output``.

    Args:
        recipe: What to train.
        data: The directory below which the recipe's files lie.
        output: Where the checkpoint goes.
        warn: Told what is odd about the records, though they can be trained on.

    Raises:
        RecordsError: A file of records has bad lines.
    """
    torch.manual_seed(recipe.seed)
    tokenizer_path = save_tokenizer(recipe.encoder.source, output)
    tokenizer = QueryTokenizer(tokenizer_path, max_tokens=recipe.max_tokens)
    sources, training_records, validation_records = _read(recipe, data)
    model_ids = model_ids_of([*training_records, *validation_records])
    for model_id in one_class_models([*training_records, *validation_records]):
        warn(f"{model_id} has one and the same score everywhere")
    training = _prepare(training_records, model_ids, tokenizer)
    validation = _prepare(validation_records, model_ids, tokenizer)
    scorer = new_scorer(recipe.encoder.source, model_ids)

    embeddings = embed_all(scorer, training.queries, "Embedding the training queries")
    held_out = embed_all(scorer, validation.queries, "Embedding the validation queries")
    fit_head(
        scorer.head,
        recipe.head,
        training=(embeddings, training.targets),
        validation=(held_out, validation.targets),
    )
    if recipe.tuning:
        tune(scorer, recipe.tuning, training, validation)
        held_out = embed_all(scorer, validation.queries, "Embedding the validation queries")

    facts = Facts(
        name=recipe.name,
        encoder_name=recipe.encoder.name,
        encoder_licence=recipe.encoder.licence,
        max_tokens=recipe.max_tokens,
        data_sources=sources,
        metrics=_calibrate(scorer.head, held_out, validation),
    )
    save_checkpoint(
        output,
        scorer=scorer,
        source=recipe.encoder.source,
        facts=facts,
        validation=validation.records,
    )
    return facts


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the mean cross-entropy over the labels that exist; NaN in ``targets`` is none."""
    labelled = ~torch.isnan(targets)
    return functional.binary_cross_entropy_with_logits(logits[labelled], targets[labelled])


def fit_head(
    head: Head,
    config: HeadConfig,
    training: tuple[torch.Tensor, torch.Tensor],
    validation: tuple[torch.Tensor, torch.Tensor],
) -> None:
    """Fits the head to cached embeddings (N, D) and targets (N, M); keeps the best epoch."""
    embeddings, targets = training
    optimizer = torch.optim.AdamW(
        head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    best_loss, best = _loss(head, *validation), copy.deepcopy(head.state_dict())
    for _ in track(range(config.epochs), "Fitting the head"):
        for rows in torch.randperm(len(embeddings)).split(config.batch_size):
            optimizer.zero_grad()
            masked_loss(head(embeddings[rows]), targets[rows]).backward()
            optimizer.step()
        loss = _loss(head, *validation)
        if loss < best_loss:
            best_loss, best = loss, copy.deepcopy(head.state_dict())
    head.load_state_dict(best)


def tune(scorer: Scorer, config: TuningConfig, training: Split, validation: Split) -> None:
    """Trains encoder and head together; keeps the best epoch, or what it was given if none is."""
    optimizer = torch.optim.AdamW(
        [
            {"params": scorer.encoder.parameters(), "lr": config.encoder_learning_rate},
            {"params": scorer.head.parameters(), "lr": config.head_learning_rate},
        ],
        weight_decay=config.weight_decay,
    )
    batches = length_buckets(training.queries, config.batch_size)
    steps = config.epochs * len(batches)
    warmup = max(1, round(config.warmup_fraction * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    best_loss, best = _held_out_loss(scorer, validation), copy.deepcopy(scorer.state_dict())
    for epoch in range(config.epochs):
        scorer.train()
        order = torch.randperm(len(batches)).tolist()
        for index in track(order, f"Training, epoch {epoch + 1} of {config.epochs}"):
            rows = batches[index]
            embeddings = scorer.embed(*_tensors([training.queries[row] for row in rows]))
            optimizer.zero_grad()
            masked_loss(scorer.head(embeddings), training.targets[rows]).backward()
            torch.nn.utils.clip_grad_norm_(scorer.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        loss = _held_out_loss(scorer, validation)
        if loss < best_loss:
            best_loss, best = loss, copy.deepcopy(scorer.state_dict())
    scorer.load_state_dict(best)
    scorer.eval()


def embed_all(scorer: Scorer, queries: Sequence[TokenizedQuery], description: str) -> torch.Tensor:
    """Returns the embedding of every query, (N, D), in the order given."""
    scorer.eval()
    embeddings = torch.empty(len(queries), scorer.encoder.config.hidden_size)
    with torch.no_grad():
        for rows in track(length_buckets(queries, EMBEDDING_BATCH_SIZE), description):
            embeddings[rows] = scorer.embed(*_tensors([queries[row] for row in rows]))
    return embeddings


def _read(recipe: Recipe, data: Path) -> tuple[tuple[DataSource, ...], list[Record], list[Record]]:
    sources: list[DataSource] = []
    training: list[Record] = []
    validation: list[Record] = []
    for source in recipe.sources:
        ours, held_out = split_records(
            read_records(data / source.file),
            validation_fraction=recipe.validation_fraction,
            seed=recipe.seed,
        )
        training += ours
        validation += held_out
        sources.append(
            DataSource(
                name=source.name,
                licence=source.licence,
                url=source.url,
                train_rows=len(ours),
                validation_rows=len(held_out),
            )
        )
    return tuple(sources), training, validation


def _prepare(records: list[Record], model_ids: Sequence[str], tokenizer: QueryTokenizer) -> Split:
    return Split(
        records=records,
        queries=[tokenizer.encode(record.query) for record in records],
        targets=torch.from_numpy(targets_of(records, model_ids)),
    )


def _calibrate(head: Head, embeddings: torch.Tensor, validation: Split) -> dict[str, float]:
    """Folds the calibration into the head; returns what it does on the validation records."""
    with torch.no_grad():
        logits = head(embeddings).double().numpy()
    targets = validation.targets.double().numpy()
    calibration = fit_calibration(logits, targets)
    head.fold(calibration)
    scores = sigmoid(logits * calibration.slope + calibration.offset)
    before = calibration_figures(sigmoid(logits), targets)
    figures = {
        "loss_before_calibration": before.loss,
        "calibration_error_before_calibration": before.calibration_error,
        **dataclasses.asdict(calibration_figures(scores, targets)),
        **dataclasses.asdict(ranking_figures(scores, targets)),
    }
    return {f"validation_{name}": value for name, value in figures.items()}


def _loss(head: Head, embeddings: torch.Tensor, targets: torch.Tensor) -> float:
    with torch.no_grad():
        return float(masked_loss(head(embeddings), targets))


def _held_out_loss(scorer: Scorer, validation: Split) -> float:
    embeddings = embed_all(scorer, validation.queries, "Validating")
    return _loss(scorer.head, embeddings, validation.targets)


def _tensors(queries: Sequence[TokenizedQuery]) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = pad(queries)
    return torch.from_numpy(ids), torch.from_numpy(mask)
