"""Adds models to an artifact, replaces, removes or renames them. Needs onnx.

``artifact + labelled queries -> class weights (N, C) -> a new column -> sealed directory``

Nothing else of the scorer changes: the other models' scores stay the same, and a check measures that.
"""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx

from scorer.data.records import matrix_of, model_ids_of
from scorer.data.staging import staged
from scorer.evaluation.evaluate import score_all
from scorer.export import graph, parity
from scorer.export.model_columns import read_columns, write_columns
from scorer.runtime.artifact import Artifact, Manifest, files_of, seal_artifact
from scorer.runtime.artifact_files import MODEL_FILE
from scorer.runtime.batches import length_buckets
from scorer.runtime.fields import ProblemsError
from scorer.runtime.runtime import Runtime
from scorer.training.mixture.amounts import amounts_by_class
from scorer.training.mixture.new_model import Labelled, fit_new_model, score_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.export.model_columns import ModelColumns
    from scorer.runtime.artifact import DataSource
    from scorer.training.mixture.new_model import ScoreError

    Floats = npt.NDArray[np.float64]

BATCH_SIZE = 16


class EditError(ProblemsError):
    """Raised when a model cannot be added, removed or renamed."""


def add_model(
    source: Artifact,
    records: Sequence[Record],
    *,
    model_id: str,
    data_source: DataSource,
    output: Path,
) -> tuple[Artifact, ScoreError]:
    """Writes an artifact with one more model, after all others.

    Args:
        source: The artifact, of any tier and precision.
        records: Labelled queries; those without a score of the new model are left out.
        model_id: The new model.
        data_source: Source of the records, for the manifest; its counts are filled in.
        output: The directory of the new artifact; must not exist.

    Raises:
        EditError: The artifact has the model already, or no record has a score of it.
        ParityError: Another model's scores would change; nothing is written.
    """
    ours = [
        dataclasses.replace(record, scores={model_id: record.scores[model_id]})
        for record in records
        if model_id in record.scores
    ]
    problems = [f"knows {model_id!r} already"] if model_id in source.manifest.model_ids else []
    problems += [] if ours else [f"no record has a score of {model_id!r}"]
    if problems:
        raise EditError(source.path, problems)
    artifact, errors = put_models(source, ours, data_source=data_source, output=output)
    return artifact, errors[model_id]


def put_models(
    source: Artifact, records: Sequence[Record], *, data_source: DataSource, output: Path
) -> tuple[Artifact, dict[str, ScoreError]]:
    """Writes an artifact in which every model of the records is fitted to them.

    A model that the artifact knows is replaced, another one is added after all others. The models of
    the artifact as it was are the prior of all of them.

    Args:
        source: The artifact, of any tier and precision.
        records: Labelled queries; each counts by its weight.
        data_source: Source of the records, for the manifest; its counts are filled in.
        output: The directory of the new artifact; must not exist.

    Returns:
        The artifact, and the errors of the scores by model.

    Raises:
        ParityError: Another model's scores would change; nothing is written.
    """
    model, runtime, manifest = onnx.load(source.model_path), Runtime.open(source), source.manifest
    before = read_columns(model)
    made, errors, ids = before, {}, list(manifest.model_ids)
    for model_id in model_ids_of(records):
        ours = [record for record in records if model_id in record.scores]
        labelled = _labelled(runtime, ours, model_id)
        success = fit_new_model(labelled, before.success)
        errors[model_id] = score_error(success, labelled, before.success)
        column = _column(before, success, labelled, ours, model_id)
        if model_id in ids:
            made = made.replaced(ids.index(model_id), column)
        else:
            made, ids = made.followed_by(column), [*ids, model_id]
    write_columns(model, made)
    counted = dataclasses.replace(data_source, train_rows=len(records), validation_rows=0)
    manifest = dataclasses.replace(
        manifest, model_ids=tuple(ids), data_sources=(*manifest.data_sources, counted)
    )
    others = [place for place, name in enumerate(manifest.model_ids) if name not in errors]
    artifact = write_edited(source, model, manifest, output, probe=records, unchanged=others)
    return artifact, errors


def remove_model(source: Artifact, *, model_id: str, output: Path) -> Artifact:
    """Writes an artifact without one of its models.

    Raises:
        EditError: The artifact does not have the model, or has no other.
    """
    ids = source.manifest.model_ids
    index = _index(source, model_id)
    if len(ids) == 1:
        raise EditError(source.path, [f"{model_id!r} is its only model"])
    model = onnx.load(source.model_path)
    write_columns(model, read_columns(model).without(index))
    manifest = dataclasses.replace(source.manifest, model_ids=ids[:index] + ids[index + 1 :])
    return write_edited(source, model, manifest, output)


def rename_model(source: Artifact, *, model_id: str, new_id: str, output: Path) -> Artifact:
    """Writes an artifact in which a model has another name.

    Raises:
        EditError: The artifact does not have the model, or has a model of the new name.
    """
    ids = list(source.manifest.model_ids)
    index = _index(source, model_id)
    if new_id in ids:
        raise EditError(source.path, [f"knows {new_id!r} already"])
    ids[index] = new_id
    manifest = dataclasses.replace(source.manifest, model_ids=tuple(ids))
    return write_edited(source, onnx.load(source.model_path), manifest, output)


def _index(source: Artifact, model_id: str) -> int:
    ids = source.manifest.model_ids
    if model_id not in ids:
        raise EditError(source.path, [f"does not know {model_id!r}; it knows {', '.join(ids)}"])
    return ids.index(model_id)


def _labelled(runtime: Runtime, records: Sequence[Record], model_id: str) -> Labelled:
    queries = [runtime.tokenize(record.query) for record in records]
    class_weights = np.empty((len(queries), runtime.class_count))
    for rows in length_buckets(queries, BATCH_SIZE):
        class_weights[rows] = runtime.predict([queries[row] for row in rows]).class_weights
    return Labelled(
        class_weights=class_weights,
        targets=np.array([record.scores[model_id] for record in records]),
        weights=np.array([record.weight for record in records]),
    )


def _column(
    columns: ModelColumns,
    success: Floats,
    labelled: Labelled,
    records: Sequence[Record],
    model_id: str,
) -> dict[str, Floats]:
    """Returns the weights of the new model by name."""
    calibration = columns.calibration.mean()
    weights = {
        graph.SUCCESS: success[:, None],
        graph.SLOPE: calibration.slope,
        graph.OFFSET: calibration.offset,
    }
    tokens = columns.weights.get(graph.TOKENS)
    if tokens is not None:
        lengths = matrix_of([record.completion_tokens for record in records], (model_id,))
        weights[graph.TOKENS] = tokens.mean(axis=1, keepdims=True)
        if not np.isnan(lengths).all():
            weights[graph.TOKENS] = amounts_by_class(labelled.class_weights, lengths)
    return weights


def write_edited(
    source: Artifact,
    model: onnx.ModelProto,
    manifest: Manifest,
    output: Path,
    *,
    probe: Sequence[Record] = (),
    unchanged: Sequence[int] | None = None,
) -> Artifact:
    """Writes another graph and manifest beside the other files of an artifact.

    Args:
        source: The artifact.
        model: The new graph.
        manifest: The new manifest; hashes and version are filled in.
        output: The directory of the new artifact; must not exist.
        probe: Queries on which the scores of the unchanged models must be the same.
        unchanged: The columns of these models in both artifacts; None for all of the source.

    Raises:
        ParityError: They are not; nothing is written.
    """
    with staged(output) as directory:
        for name in files_of(manifest.tier):
            if name != MODEL_FILE:
                shutil.copyfile(source.path / name, directory / name)
        onnx.save(model, directory / MODEL_FILE)
        artifact = seal_artifact(directory, manifest)
        runtime = Runtime.open(artifact)
        if probe:
            columns = range(len(source.manifest.model_ids)) if unchanged is None else unchanged
            _require_unchanged(Runtime.open(source), runtime, parity.probe_of(probe), columns)
    return Artifact(path=output, manifest=artifact.manifest)


def _require_unchanged(
    before: Runtime, after: Runtime, probe: Sequence[Record], columns: Sequence[int]
) -> None:
    if not columns:
        return
    texts = [record.query for record in probe]
    old = score_all(before, texts, BATCH_SIZE)[:, columns]
    new = score_all(after, texts, BATCH_SIZE)[:, columns]
    parity.require(parity.unchanged_checks(old, new))
