"""List prices for recordings without costs.

The YAML file maps a model's id to its prices in USD per million tokens, read and written, as
`gpt-4o-mini-2024-07-18: [0.15, 0.60]`. Tokens are counted as the simulator counts them in its usage
reports, so that baselines and bills agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.pool.yaml_nodes import YamlProblemsError, read_yaml
from services.simulator.stream import estimate_tokens, split_pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class PriceFileError(ValueError):
    """Raised for a price file that cannot be used; its text names every problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's prices, in USD per million tokens."""

    prompt: float
    completion: float

    def cost_usd(self, query: str, reply: str) -> float:
        """Returns the cost of a call with nothing but the query."""
        read, written = estimate_tokens(query), len(split_pieces(reply))
        return (read * self.prompt + written * self.completion) / 1e6


def load_prices(path: Path, models: Sequence[str]) -> Mapping[str, Price]:
    """Loads the prices of ``models`` and ignores those of others.

    Raises:
        PriceFileError: The file is not such a map, or a model has no price in it.
    """
    try:
        document = read_yaml(path.read_bytes())
    except (OSError, YamlProblemsError) as error:
        raise PriceFileError(f"{path} cannot be read: {error}") from error
    content = None if document is None else document.data
    if not isinstance(content, dict):
        raise PriceFileError(f"{path} is not a map of models to prices")
    bad = [model for model in models if not _is_price(content.get(model))]
    if bad:
        raise PriceFileError(f"{path} has no [prompt, completion] price of {', '.join(bad)}")
    return {
        model: Price(prompt=float(content[model][0]), completion=float(content[model][1]))
        for model in models
    }


def _is_price(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, int | float) and 0 <= part < float("inf") for part in value)
    )
