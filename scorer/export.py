"""Checkpoint -> fp32 artifact: one ONNX graph from ids to scores, through optimum. Needs torch.

``checkpoint -> optimum export -> parity against torch on held-out queries -> sealed directory``
"""

from __future__ import annotations

import shutil
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.utils import NormalizedTextConfig

from scorer import parity
from scorer.artifact import (
    MODEL_FILE,
    TOKENIZER_FILE,
    Artifact,
    Manifest,
    Precision,
    seal_artifact,
)
from scorer.batches import length_buckets, pad
from scorer.checkpoint import load_checkpoint
from scorer.evaluate import score_all
from scorer.runtime import EMBEDDING_OUTPUT, INPUT_NAMES, SCORES_OUTPUT, Runtime
from scorer.staging import staged
from scorer.tokenizer import QueryTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.artifact import ParityCheck
    from scorer.checkpoint import Checkpoint
    from scorer.model import Scorer
    from scorer.tokenizer import TokenizedQuery

OPSET = 17
"""At 18, onnxruntime's shape inference fails on the head's normalization and fusions are lost."""

BATCH_SIZE = 16


class ScorerOnnxConfig(TextEncoderOnnxConfig):  # type: ignore[misc]  # optimum publishes no types
    """Names and dynamic axes of the graph."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig.with_args(vocab_size="vocab_size")

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        """The inputs; batch and length are free."""
        return {name: {0: "batch", 1: "tokens"} for name in INPUT_NAMES}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """The outputs; the batch is free."""
        return {SCORES_OUTPUT: {0: "batch"}, EMBEDDING_OUTPUT: {0: "batch"}}


def export_artifact(checkpoint_path: Path, output: Path, *, created: str) -> Artifact:
    """Writes the artifact of a checkpoint.

    Args:
        checkpoint_path: The checkpoint.
        output: The artifact's directory; must not exist.
        created: ISO date that the manifest shall bear.

    Raises:
        CheckpointError: The checkpoint is not usable.
        ParityError: Torch and ONNX differ by more than the gate; nothing is written.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    with staged(output) as directory:
        write_graph(checkpoint.scorer, directory / MODEL_FILE)
        shutil.copyfile(checkpoint.tokenizer_path, directory / TOKENIZER_FILE)
        artifact = seal_artifact(directory, _manifest(checkpoint, created, checks=()))
        checks = measure(checkpoint, artifact)
        parity.require(checks)
        artifact = seal_artifact(directory, _manifest(checkpoint, created, checks=checks))
    return Artifact(path=output, manifest=artifact.manifest)


def write_graph(scorer: Scorer, path: Path) -> None:
    """Writes the scorer as one ONNX graph."""
    scorer.config.vocab_size = scorer.encoder.config.vocab_size
    config = ScorerOnnxConfig(scorer.config, task="feature-extraction")
    with warnings.catch_warnings():
        # The tracer doubts constants of transformers' attention masks; parity is measured below.
        warnings.simplefilter("ignore")
        # In training mode the reference that ONNX is compared with would have dropout.
        export(scorer.eval(), config, path, opset=OPSET)


def measure(checkpoint: Checkpoint, artifact: Artifact) -> tuple[ParityCheck, ...]:
    """Compares checkpoint and artifact on the checkpoint's held-out queries."""
    texts = [record.query for record in parity.probe_of(checkpoint.validation)]
    tokenizer = QueryTokenizer(checkpoint.tokenizer_path, max_tokens=checkpoint.facts.max_tokens)
    reference = _torch_scores(checkpoint.scorer, [tokenizer.encode(text) for text in texts])
    return parity.export_checks(reference, score_all(Runtime.open(artifact), texts, BATCH_SIZE))


def _torch_scores(scorer: Scorer, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
    scores = np.empty((len(queries), len(scorer.config.model_ids)), dtype=np.float32)
    with torch.no_grad():
        for rows in length_buckets(queries, BATCH_SIZE):
            ids, mask = pad([queries[row] for row in rows])
            outputs = scorer(torch.from_numpy(ids), torch.from_numpy(mask))
            scores[rows] = outputs[SCORES_OUTPUT].numpy()
    return scores


def _manifest(checkpoint: Checkpoint, created: str, *, checks: tuple[ParityCheck, ...]) -> Manifest:
    facts = checkpoint.facts
    return Manifest(
        name=facts.name,
        version="",
        created=created,
        encoder_name=facts.encoder_name,
        encoder_licence=facts.encoder_licence,
        precision=Precision.FP32,
        model_ids=tuple(checkpoint.scorer.config.model_ids),
        max_tokens=facts.max_tokens,
        embedding_width=checkpoint.scorer.encoder.config.hidden_size,
        data_sources=facts.data_sources,
        files={},
        metrics=facts.metrics,
        parity=checks,
    )
