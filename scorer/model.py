"""Encoder + one learned embedding per model -> one score per model. Needs torch.

``ids, mask (B, T) -> hidden (B, T, D) -> mean over real tokens, unit length (B, D)
-> cosine with each model embedding (B, M) -> scale * cosine + bias -> sigmoid``

The cosine form is RouterDC's (Chen et al. 2024, arXiv 2409.19886); a scale and a bias per model
make its sigmoid a probability, and a calibration of it can be folded into them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedModel

from scorer.artifact import TOKENIZER_FILE
from scorer.runtime import EMBEDDING_OUTPUT, SCORES_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.calibrate import Calibration

PACKAGE_PREFIX = "package:"

INITIAL_SCALE = 10.0
"""Cosines of a sentence encoder differ by about 0.1 between queries; this makes that one logit."""


class ScorerConfig(PretrainedConfig):  # type: ignore[misc]  # transformers publishes no types
    """What is needed to rebuild a scorer from its weights; kept as ``config.json``."""

    model_type = "routemoa_scorer"

    def __init__(
        self,
        *,
        encoder: dict[str, Any] | None = None,
        model_ids: Sequence[str] = (),
        **others: Any,
    ) -> None:
        self.encoder = encoder or {}
        self.model_ids = list(model_ids)
        super().__init__(**others)


class Head(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """One embedding, scale and bias per model."""

    def __init__(self, width: int, model_count: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.randn(model_count, width) / width**0.5)
        self.scale = nn.Parameter(torch.full((model_count,), INITIAL_SCALE))
        self.bias = nn.Parameter(torch.zeros(model_count))

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        """Returns logits (B, M) for unit-length query embeddings (B, D)."""
        cosines = queries @ functional.normalize(self.embeddings, dim=-1).t()
        return self.scale * cosines + self.bias

    def fold(self, calibration: Calibration) -> None:
        """Makes the calibrated logit the head's own."""
        slope = torch.as_tensor(calibration.slope, dtype=self.scale.dtype)
        offset = torch.as_tensor(calibration.offset, dtype=self.bias.dtype)
        with torch.no_grad():
            self.scale.mul_(slope)
            self.bias.mul_(slope).add_(offset)


class Scorer(PreTrainedModel):  # type: ignore[misc]  # as ScorerConfig
    """The whole scorer, from token ids to scores."""

    config_class = ScorerConfig

    def __init__(self, config: ScorerConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(AutoConfig.for_model(**config.encoder))
        self.head = Head(self.encoder.config.hidden_size, len(config.model_ids))

    def _init_weights(self, module: nn.Module) -> None:
        """Does nothing: the encoder is pretrained, and the head sets its own."""

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Returns the unit-length query embeddings, (B, D), of ids and mask, (B, T)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (B, T, 1)
        mean = (hidden * mask).sum(1) / mask.sum(1)  # (B, D)
        return functional.normalize(mean, dim=-1)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Returns the scores (B, M) and the query embeddings (B, D), named as in the graph."""
        embedding = self.embed(input_ids, attention_mask)
        return {SCORES_OUTPUT: torch.sigmoid(self.head(embedding)), EMBEDDING_OUTPUT: embedding}


def new_scorer(source: str, model_ids: Sequence[str]) -> Scorer:
    """Returns a scorer with the pretrained encoder of ``source`` and an untrained head."""
    encoder = AutoModel.from_pretrained(_resolve(source))
    scorer = Scorer(ScorerConfig(encoder=encoder.config.to_dict(), model_ids=model_ids))
    scorer.encoder.load_state_dict(encoder.state_dict())
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
