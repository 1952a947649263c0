"""Fits the constants of `services/router/model_priors/ability.py` to public ratings of models.

`python -m tests.bench.bench_prior_fit CATALOG`, the folder `data` of the repository
lmarena/arena-catalog. The mean rating of a model under style control for code, hard prompts and
mathematics, in logits, is explained by size, month of release and whether the size is published.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import read_records
from services.router.model_priors.ability import (
    LOGITS_PER_RATING,
    estimate_abilities,
    read_features,
)
from services.router.model_priors.estimate import logit
from services.router.model_priors.facts import ModelFacts, mean_price_usd
from tests.bench.bench_priors import POOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.data.records import Record

    Floats = npt.NDArray[np.float64]

CATEGORIES = ("coding", "hard_6", "math")
NAMES = (
    "intercept",
    "per doubling up to 8B",
    "per doubling from 8B",
    "per year",
    "if its size is not published",
)


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    options = parser.parse_args()
    folder = options.catalog
    logits = read_ratings(folder / "leaderboard-text-style-control.json")
    rows, targets = design(logits)
    values, errors, left_out = fit(rows, targets)
    for name, value, error in zip(NAMES, values, errors, strict=True):
        sys.stdout.write(f"{name}: {value:.3f} (standard error {error:.3f})\n")
    sys.stdout.write(
        f"{len(targets)} models of {len(logits)}; root mean square error of a left-out model: "
        f"{np.sqrt(np.mean(left_out**2)):.3f} logits; of the mean: {targets.std():.3f}\n"
    )
    slope, intercept, correlation = fit_prices(folder / "scatterplot-data.json")
    sys.stdout.write(
        f"doublings of a billion parameters at one dollar: {intercept:.2f}; per doubling of the price: "
        f"{slope:.2f} (correlation {correlation:.2f})\n"
    )
    for pool in POOLS if options.data else ():
        path = options.data / pool / "train.jsonl.gz"
        if path.exists():
            slope = pool_slope(read_records(path)) * LOGITS_PER_RATING
            sys.stdout.write(f"{pool}: {slope:.2f} logits of right answers per logit of a rating\n")


def read_ratings(path: Path) -> Mapping[str, float]:
    """Returns the mean rating of each model over the categories, in logits."""
    boards = json.loads(path.read_text(encoding="utf-8"))
    models = set.intersection(*(set(boards[category]) for category in CATEGORIES))
    per_logit = math.log(10) / 400
    return {
        m: per_logit * fmean(boards[category][m]["rating"] for category in CATEGORIES)
        for m in sorted(models)
    }


def design(logits: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Returns the features (N, 5) and ratings (N,) of the models of which size and month are known."""
    rows, targets = [], []
    for model_id, rating in logits.items():
        found = read_features(ModelFacts((model_id,)))
        if found.doublings is not None and found.years is not None:
            below, above = min(found.doublings, 0.0), max(found.doublings, 0.0)
            rows.append([1.0, below, above, found.years, float(found.is_unpublished)])
            targets.append(rating)
    return np.array(rows), np.array(targets)


def fit(rows: Floats, targets: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns the constants, their standard errors, and each model's error if it is left out."""
    inverse = np.linalg.inv(rows.T @ rows)
    values = inverse @ rows.T @ targets
    residuals = targets - rows @ values
    variance = (residuals**2).sum() / (len(targets) - len(values))
    leverage = np.einsum("ij,jk,ik->i", rows, inverse, rows)
    return values, np.sqrt(variance * np.diag(inverse)), residuals / (1 - leverage)


def fit_prices(path: Path) -> tuple[float, float, float]:
    """Returns slope, intercept and correlation of the logarithms of size and price."""
    prices, sizes = [], []
    for model in json.loads(path.read_text(encoding="utf-8")):
        found = read_features(ModelFacts((model["model_api_name"],)))
        try:
            read, written = float(model["input_token_price"]), float(model["output_token_price"])
        except (TypeError, ValueError):
            continue
        if found.doublings is not None and read + written > 0:
            prices.append(math.log2(mean_price_usd(read, written)))
            sizes.append(found.doublings + 3)
    slope, intercept = np.polyfit(prices, sizes, 1)
    return float(slope), float(intercept), float(np.corrcoef(prices, sizes)[0, 1])


def pool_slope(records: Sequence[Record]) -> float:
    """Returns the slope of the logits of the models' mean scores over their estimated abilities."""
    models = sorted({m for record in records for m in record.scores})
    means = [fmean(record.scores[m] for record in records) for m in models]
    abilities = estimate_abilities([ModelFacts((m,)) for m in models])
    slope, _ = np.polyfit([each.value for each in abilities], list(map(logit, means)), 1)
    return float(slope)


if __name__ == "__main__":
    main()
