"""The whole scorer as one torch module, as it is exported. Needs torch.

``token ids, mask (B, T) -> encoder -> mean over real tokens, unit length (B, D) ]``
``n-gram ids (B, G) -> sum of their rows of the table, unit length (B, W)        ] features (B, F)``
``-> softmax over the kinds and the unknown one -> @ mixing -> class weights (B, C)``
``-> @ success (C, M) -> calibration -> scores (B, M)``

The edge tier has no encoder: its features are the n-grams alone. Parameters keep the names that they
have in published graphs. The response classes of a kind of query stand side by side.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from scorer.runtime.artifact import TOKENIZER_FILE
from scorer.runtime.runtime import (
    CLASS_WEIGHTS_OUTPUT,
    SCORES_OUTPUT,
    SUCCESS_OUTPUT,
    TOKENS_OUTPUT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scorer.training.mixture.learner import Learned

PACKAGE_PREFIX = "package:"


class ScorerConfig(PretrainedConfig):  # type: ignore[misc]  # transformers publishes no types
    """The shapes of a scorer, to rebuild it from its weights; kept as ``config.json``."""

    model_type = "routemoa_scorer"

    def __init__(
        self,
        *,
        encoder: dict[str, Any] | None = None,
        model_ids: Sequence[str] = (),
        kind_names: Sequence[str] = (),
        class_count: int = 1,
        ngram_buckets: int = 2,
        projection_width: int = 1,
        has_tokens: bool = False,
        **others: Any,
    ) -> None:
        self.encoder = encoder
        self.model_ids = list(model_ids)
        self.kind_names = list(kind_names)
        self.class_count = class_count
        self.ngram_buckets = ngram_buckets
        self.projection_width = projection_width
        self.has_tokens = has_tokens
        super().__init__(**others)


class Scorer(PreTrainedModel):  # type: ignore[misc]  # as ScorerConfig
    """The whole scorer, from token ids and n-gram ids to scores."""

    config_class = ScorerConfig

    def __init__(self, config: ScorerConfig) -> None:
        super().__init__(config)
        width, kinds = config.projection_width, len(config.kind_names)
        classes = kinds * config.class_count
        self.encoder = None
        if config.encoder:
            self.encoder = AutoModel.from_config(
                AutoConfig.for_model(**config.encoder), add_pooling_layer=False
            )
            width += self.encoder.config.hidden_size
        models = len(config.model_ids)
        self.projection = nn.Embedding(config.ngram_buckets, config.projection_width)
        # The last column is that of the unknown kind.
        self.directions = nn.Parameter(torch.zeros(width, kinds + 1))
        self.bias = nn.Parameter(torch.zeros(kinds + 1))
        self.mixing = nn.Parameter(torch.zeros(kinds + 1, classes))
        self.success_by_class = nn.Parameter(torch.full((classes, models), 0.5))
        self.slope = nn.Parameter(torch.ones(models))
        self.offset = nn.Parameter(torch.zeros(models))
        self.tokens_by_class = None
        if config.has_tokens:
            self.tokens_by_class = nn.Parameter(torch.zeros(classes, models))

    def _init_weights(self, module: nn.Module) -> None:
        """Does nothing: the encoder is pretrained, and the rest is learned elsewhere."""

    def forward(
        self,
        ngram_ids: torch.Tensor,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Returns the outputs of the graph, by the names in ``scorer.runtime.runtime``."""
        parts = [functional.normalize(self.projection(ngram_ids).sum(1), dim=-1)]
        if self.encoder is not None:
            parts.insert(0, mean_embedding(self.encoder, input_ids, attention_mask))
        features = functional.normalize(torch.cat(parts, dim=-1), dim=-1)
        weights = torch.softmax(features @ self.directions + self.bias, dim=-1) @ self.mixing
        chances = weights @ self.success_by_class
        logits = self.slope * torch.logit(chances) + self.offset
        outputs = {
            SCORES_OUTPUT: torch.sigmoid(logits),
            CLASS_WEIGHTS_OUTPUT: weights,
            # The exporter leaves out an output that depends on no input, hence the sum.
            SUCCESS_OUTPUT: self.success_by_class + 0.0 * weights.sum(),
        }
        if self.tokens_by_class is not None:
            outputs[TOKENS_OUTPUT] = weights @ self.tokens_by_class
        return outputs


def mean_embedding(
    encoder: nn.Module, input_ids: torch.Tensor | None, attention_mask: torch.Tensor | None
) -> torch.Tensor:
    """Returns the unit-length mean (B, D) over the real tokens of ids and mask, (B, T)."""
    if input_ids is None or attention_mask is None:
        raise ValueError("a scorer with an encoder needs token ids and a mask")
    hidden = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (B, T, 1)
    mean = (hidden * mask).sum(1) / mask.sum(1)  # (B, D)
    return functional.normalize(mean, dim=-1)


def load_encoder(source: str, *, layers: int | None = None) -> nn.Module:
    """Returns a pretrained encoder, or its first ``layers`` layers."""
    with _quiet():
        encoder = AutoModel.from_pretrained(_resolve(source), add_pooling_layer=False)
    if layers is not None:
        encoder.encoder.layer = encoder.encoder.layer[:layers]
        encoder.config.num_hidden_layers = layers
    return encoder.eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the warning that the unused pooling layer is left out."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def new_scorer(
    encoder: nn.Module | None,
    learned: Learned,
    *,
    model_ids: Sequence[str],
    kind_names: Sequence[str],
    completion_tokens: torch.Tensor | None,
) -> Scorer:
    """Returns the scorer of an encoder and of what was learned on its embeddings."""
    buckets, width = learned.projection.shape
    scorer = Scorer(
        ScorerConfig(
            encoder=None if encoder is None else encoder.config.to_dict(),
            model_ids=model_ids,
            kind_names=kind_names,
            class_count=len(learned.patterns.shares),
            ngram_buckets=buckets,
            projection_width=width,
            has_tokens=completion_tokens is not None,
        )
    )
    values = {
        "projection.weight": learned.projection,
        "directions": torch.from_numpy(learned.kinds.directions),
        "bias": torch.from_numpy(learned.kinds.bias),
        "mixing": torch.from_numpy(learned.patterns.split_weights(learned.kinds.mixing)),
        "success_by_class": torch.from_numpy(learned.success),
        "slope": torch.from_numpy(learned.calibration.slope),
        "offset": torch.from_numpy(learned.calibration.offset),
    }
    if completion_tokens is not None:
        values["tokens_by_class"] = completion_tokens
    if encoder is not None:
        values |= {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    scorer.load_state_dict({name: value.detach().float() for name, value in values.items()})
    scorer.eval()
    return scorer


def save_tokenizer(source: str, directory: Path) -> Path:
    """Writes the encoder's tokenizer, without padding and truncation, and returns its path."""
    tokenizer = AutoTokenizer.from_pretrained(_resolve(source), use_fast=True).backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    path = directory / TOKENIZER_FILE
    tokenizer.save(str(path), pretty=False)
    return path


def _resolve(source: str) -> str:
    if source.startswith(PACKAGE_PREFIX):
        package = importlib.import_module(source.removeprefix(PACKAGE_PREFIX))
        return str(package.get_model_path())
    return source
