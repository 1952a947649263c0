"""Exports a checkpoint as an fp32 artifact: one ONNX graph from ids to scores. Needs torch.

``checkpoint -> optimum export -> parity against torch on held-out queries -> sealed directory``
"""

from __future__ import annotations

import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import OnnxConfig
from optimum.utils import DummyInputGenerator, DummyTextInputGenerator, NormalizedTextConfig

from scorer.data.staging import staged
from scorer.evaluation.evaluate import score_all
from scorer.export import parity
from scorer.export.benefit_gate import require_benefit
from scorer.runtime.artifact import (
    TOKENIZER_FILE,
    Artifact,
    Manifest,
    Precision,
    Skill,
    Tier,
    seal_artifact,
)
from scorer.runtime.artifact_files import MODEL_FILE
from scorer.runtime.batches import length_buckets, pad, pad_ngrams
from scorer.runtime.runtime import (
    CLASS_WEIGHTS_OUTPUT,
    INPUT_NAMES,
    NGRAM_INPUT,
    SCORES_OUTPUT,
    SUCCESS_OUTPUT,
    TOKENS_OUTPUT,
    Runtime,
)
from scorer.runtime.tokenizer import QueryTokenizer
from scorer.training.checkpoint import load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.runtime.artifact import ParityCheck
    from scorer.runtime.tokenizer import TokenizedQuery
    from scorer.training.checkpoint import Checkpoint
    from scorer.training.model import Scorer

OPSET = 17
"""At 18, onnxruntime's shape inference failed on a normalization and fusions were lost."""

BATCH_SIZE = 16


class NgramInputGenerator(DummyInputGenerator):  # type: ignore[misc]  # optimum publishes no types
    """Generates n-gram ids for tracing."""

    SUPPORTED_INPUT_NAMES = (NGRAM_INPUT,)

    def __init__(self, task: str, normalized_config: NormalizedTextConfig, **_: Any) -> None:
        self.task = task
        self.buckets = normalized_config.config.ngram_buckets

    def generate(self, _input_name: str, framework: str = "pt", **_: Any) -> Any:
        """Returns ids for a batch of two."""
        return self.random_int_tensor(
            (2, 24), max_value=self.buckets, min_value=1, framework=framework
        )


class ScorerOnnxConfig(OnnxConfig):  # type: ignore[misc]  # as above
    """The names and dynamic axes of the graph's inputs and outputs."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig.with_args(
        vocab_size="vocab_size", allow_new=True
    )
    DUMMY_INPUT_GENERATOR_CLASSES = (DummyTextInputGenerator, NgramInputGenerator)

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        """The inputs; batch size and lengths are dynamic."""
        tier = Tier.BASE if self._config.encoder else Tier.EDGE
        lengths = dict.fromkeys(INPUT_NAMES[tier], "tokens") | {NGRAM_INPUT: "ngrams"}
        # In the order in which the module takes them.
        names = (NGRAM_INPUT, *(name for name in INPUT_NAMES[tier] if name != NGRAM_INPUT))
        return {name: {0: "batch", 1: lengths[name]} for name in names}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """The outputs; the batch size is dynamic."""
        names = [SCORES_OUTPUT, CLASS_WEIGHTS_OUTPUT]
        outputs: dict[str, dict[int, str]] = {name: {0: "batch"} for name in names}
        outputs[SUCCESS_OUTPUT] = {}
        if self._config.has_tokens:
            outputs[TOKENS_OUTPUT] = {0: "batch"}
        return outputs


def export_artifact(
    checkpoint_path: Path,
    output: Path,
    *,
    created: str,
    even_if_worse: bool,
    warn: Callable[[str], None],
) -> Artifact:
    """Writes the artifact of a checkpoint.

    Args:
        checkpoint_path: The checkpoint.
        output: The artifact's directory; must not exist.
        created: ISO date for the manifest.
        even_if_worse: True to export a scorer that is worse than the best single model too.
        warn: Called with a warning about the benefit of the scorer.

    Raises:
        CheckpointError: The checkpoint is not usable.
        WorseError: The scorer is worse than the best single model; nothing is written.
        ParityError: The scores of torch and ONNX differ by more than the gate; nothing is written.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    require_benefit(
        checkpoint.facts.metrics,
        best_single=checkpoint.facts.best_single or "the best single model",
        even_if_worse=even_if_worse,
        warn=warn,
    )
    with staged(output) as directory:
        write_graph(checkpoint.scorer, directory / MODEL_FILE)
        if checkpoint.tokenizer_path:
            shutil.copyfile(checkpoint.tokenizer_path, directory / TOKENIZER_FILE)
        artifact = seal_artifact(directory, _manifest(checkpoint, created, checks=()))
        checks = measure(checkpoint, artifact)
        parity.require(checks)
        artifact = seal_artifact(directory, _manifest(checkpoint, created, checks=checks))
    return Artifact(path=output, manifest=artifact.manifest)


def write_graph(scorer: Scorer, path: Path) -> None:
    """Writes the scorer as one ONNX graph."""
    scorer.config.vocab_size = scorer.encoder.config.vocab_size if scorer.encoder else 2
    config = ScorerOnnxConfig(scorer.config, task="feature-extraction")
    with warnings.catch_warnings():
        # The tracer warns about constants in transformers' attention masks; parity is measured below.
        warnings.simplefilter("ignore")
        # In training mode, the reference that ONNX is compared with would have dropout.
        export(scorer.eval(), config, path, opset=OPSET)


def measure(checkpoint: Checkpoint, artifact: Artifact) -> tuple[ParityCheck, ...]:
    """Compares checkpoint and artifact on the checkpoint's held-out queries."""
    texts = [record.query for record in parity.probe_of(checkpoint.validation)]
    tokenizer = QueryTokenizer(
        checkpoint.tokenizer_path,
        max_tokens=checkpoint.facts.max_tokens,
        ngram_buckets=checkpoint.scorer.config.ngram_buckets,
    )
    reference = _torch_scores(checkpoint.scorer, [tokenizer.encode(text) for text in texts])
    return parity.export_checks(reference, score_all(Runtime.open(artifact), texts, BATCH_SIZE))


def _torch_scores(scorer: Scorer, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
    scores = np.empty((len(queries), len(scorer.config.model_ids)), dtype=np.float32)
    with torch.inference_mode():
        for rows in length_buckets(queries, BATCH_SIZE):
            batch = [queries[row] for row in rows]
            inputs = [pad_ngrams(batch), *(pad(batch) if scorer.encoder is not None else ())]
            outputs = scorer(*(torch.from_numpy(each) for each in inputs))
            scores[rows] = outputs[SCORES_OUTPUT].numpy()
    return scores


def _manifest(checkpoint: Checkpoint, created: str, *, checks: tuple[ParityCheck, ...]) -> Manifest:
    facts, config = checkpoint.facts, checkpoint.scorer.config
    return Manifest(
        name=facts.name,
        version="",
        created=created,
        tier=Tier.BASE if config.encoder else Tier.EDGE,
        encoder_name=facts.encoder_name,
        encoder_licence=facts.encoder_licence,
        precision=Precision.FP32,
        model_ids=tuple(config.model_ids),
        max_tokens=facts.max_tokens,
        ngram_buckets=config.ngram_buckets,
        skills=tuple(
            Skill(name=name, class_count=config.class_count) for name in config.kind_names
        ),
        data_sources=facts.data_sources,
        files={},
        metrics=facts.metrics,
        parity=checks,
        team_rule=facts.team_rule,
    )
