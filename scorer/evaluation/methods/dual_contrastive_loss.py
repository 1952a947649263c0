"""RouterDC's losses (Chen et al. 2024, arXiv 2409.19886), as published and with defects fixed.

Needs torch. The published program differs from its paper in three places, kept behind
``as_published`` so that what they cost can be measured:

- the mask of positives that failed has shape (B, 1) and the loss (B,), so their product is (B, B) and
  its mean is mean(loss) x mean(mask): nothing is skipped, the batch is only scaled;
- a query's positive partner may be the query itself;
- if a query has too few negatives it is left out of the index matrix and not of the similarity
  matrix, so later queries are gathered from another query's similarities.
"""

from __future__ import annotations

import torch

NEGATIVE_LIMIT = 0.5
"""A model with a higher score is never a negative."""


def sample_model_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    top: int,
    last: int,
    as_published: bool,
) -> torch.Tensor:
    """Pulls a query to its best models and away from its worst, one best model at a time.

    Args:
        logits: Cosine of query and model, over the temperature, (B, M).
        labels: Scores, (B, M); NaN is neither positive nor negative.
        top: How many models are positives.
        last: How many models may be negatives.
        as_published: Whether to keep the defect of the mask.
    """
    best, positives = labels.nan_to_num(nan=-1.0).topk(top, dim=1)  # (B, top)
    worst, negatives = labels.nan_to_num(nan=2.0).topk(last, dim=1, largest=False)
    away = logits.gather(1, negatives).masked_fill(worst > NEGATIVE_LIMIT, -torch.inf)
    total = logits.new_zeros(())
    for k in range(top):
        positive = logits.gather(1, positives[:, k : k + 1])  # (B, 1)
        losses = torch.logsumexp(torch.cat([positive, away], dim=1), dim=1) - positive[:, 0]
        mask = (best[:, k] > 0).to(losses.dtype)
        total = total + (losses.mean() * mask.mean() if as_published else (mask * losses).mean())
    return total


def group_loss(
    queries: torch.Tensor,
    groups: torch.Tensor,
    *,
    negatives: int,
    as_published: bool,
) -> torch.Tensor:
    """Pulls a query to one of its group and away from ``negatives`` queries of other groups.

    Args:
        queries: Unit-length query vectors, (B, D).
        groups: The group of each, (B,).
        negatives: How many; a query with fewer candidates is skipped.
        as_published: Whether to keep the defects of the partner and of the rows.
    """
    same = groups[:, None] == groups[None, :]
    partners = same if as_published else same & ~torch.eye(len(groups), dtype=torch.bool)
    rows = torch.nonzero(((~same).sum(dim=1) >= negatives) & partners.any(dim=1))[:, 0]
    if not len(rows):
        return queries.new_zeros(())
    positive = torch.multinomial(partners[rows].float(), 1)
    negative = torch.multinomial((~same)[rows].float(), negatives)
    similarities = queries @ queries.t()
    # As published, the first len(rows) rows; right, the rows that the indices were drawn for.
    own = similarities[: len(rows)] if as_published else similarities[rows]
    chosen = own.gather(1, torch.cat([positive, negative], dim=1))
    losses: torch.Tensor = torch.logsumexp(chosen, dim=1) - chosen[:, 0]
    return losses.mean()
