"""Estimates the ability of models from their names and prices, by a small regression. Pure.

    ability = 0.34 per doubling of the size up to 8B parameters + 0.15 per further doubling
            + 1.07 per year of release
            + 0.21 if its size is not published + 0.1 if it is made for chats

The unit is the logit of the share of right answers. The constants were fitted to public ratings of 259
models and scaled to recorded pools; `docs/benchmarks/priors.md` has the source, errors and commands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from services.router.model_priors.model_name import read_model_name
from services.router.model_priors.releases import SizeClass, find_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.model_priors.facts import ModelFacts
    from services.router.model_priors.model_name import ModelName
    from services.router.model_priors.releases import Release

LOGITS_PER_RATING = 1.5
"""Logits of right answers in a recorded pool per logit of a rating."""
PER_DOUBLING_TO_8B = LOGITS_PER_RATING * 0.225
PER_DOUBLING_FROM_8B = LOGITS_PER_RATING * 0.098
PER_YEAR = LOGITS_PER_RATING * 0.713
IF_UNPUBLISHED = LOGITS_PER_RATING * 0.139
"""Makers publish no size of their best models."""
FOR_CHATS = 0.1
"""The mean difference of an instruct model from its base model, over six pairs of a recorded pool."""
DEVIATION = 0.5
"""Standard deviation of a model's logit about its ability, if its size and release are known."""
SIZE_DEVIATION = 0.4
MONTH_DEVIATION = 0.7
"""The further deviation if the size, or the month, is unknown."""
TYPICAL_DOUBLINGS = 3.0
TYPICAL_YEARS = 0.7
"""Size and release of a model of which nothing is known, in a pool of such models."""
_REFERENCE_B = 8.0
_REFERENCE_YEAR = 2024
_DOUBLINGS_AT_ONE_DOLLAR = 6.1 - math.log2(_REFERENCE_B)
_DOUBLINGS_PER_DOUBLING_OF_PRICE = 0.43
_EXPERTS_SHARE = 1.53
"""Of a mixture such as 8x7b: its parameters times those of a token, as a share of 8 times 7 times 7."""
_MONTH_AND_DAY = len("0613")
_CLASS_WORDS: Mapping[str, SizeClass] = {
    **dict.fromkeys(("nano", "micro", "tiny", "lite"), SizeClass.NANO),
    **dict.fromkeys(("mini", "small", "flash", "haiku", "instant", "fast"), SizeClass.SMALL),
    **dict.fromkeys(("medium", "sonnet", "plus", "pro", "advanced"), SizeClass.MEDIUM),
    **dict.fromkeys(("large", "opus", "max", "ultra", "premier"), SizeClass.LARGE),
}
"""The first of these words in a name counts: a `flash lite` is a lite one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """The estimated ability of a model."""

    value: float
    """In logits; differences between models count."""
    deviation: float
    """Standard deviation of the error, in logits."""
    hints: str
    """The facts that the estimate rests on, in words; empty if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The numbers of the regression; None where nothing is known."""

    doublings: float | None
    years: float | None
    is_unpublished: bool
    for_chats: bool
    hints: str


class _Size(NamedTuple):
    """A published size."""

    geometric_b: float
    """The geometric mean of all parameters and of those that a token uses, in billions."""
    text: str


def estimate_abilities(models: Sequence[ModelFacts]) -> tuple[Ability, ...]:
    """Returns the abilities of models; what is unknown of one is as in the others on average."""
    features = [read_features(model) for model in models]
    doublings = [f.doublings for f in features if f.doublings is not None]
    years = [f.years for f in features if f.years is not None]
    typical_doublings = fmean(doublings) if doublings else TYPICAL_DOUBLINGS
    typical_years = fmean(years) if years else TYPICAL_YEARS
    return tuple(_ability(f, typical_doublings, typical_years) for f in features)


def _ability(features: Features, typical_doublings: float, typical_years: float) -> Ability:
    doublings = typical_doublings if features.doublings is None else features.doublings
    years = typical_years if features.years is None else features.years
    return Ability(
        value=PER_DOUBLING_TO_8B * min(doublings, 0.0)
        + PER_DOUBLING_FROM_8B * max(doublings, 0.0)
        + PER_YEAR * years
        + IF_UNPUBLISHED * features.is_unpublished
        + FOR_CHATS * features.for_chats,
        deviation=math.hypot(
            DEVIATION,
            SIZE_DEVIATION * (features.doublings is None),
            MONTH_DEVIATION * (features.years is None),
        ),
        hints=features.hints,
    )


@lru_cache(maxsize=8192)
def read_features(model: ModelFacts) -> Features:
    """Returns the numbers that names and price give."""
    names = [read_model_name(name) for name in model.names]
    found = [release for name in names if (release := find_release(name.words)) is not None]
    # One name may tell less than another: `deepseek-chat` of `DeepSeek-V3`.
    release = max(found, key=lambda each: len(each.words.split()), default=None)
    month = _month(names, release)
    size = next((size for name in names if (size := _published(name, release))), None)
    size_class = next((each for name in names if (each := _class_of(name))), None)
    if size_class is None and release is not None:
        size_class = release.size_class
    doublings, size_hint = (
        _unpublished(size_class, model.price_usd)
        if size is None
        else (math.log2(size.geometric_b / _REFERENCE_B), size.text)
    )
    return Features(
        doublings=doublings,
        years=_years(month) if month else None,
        is_unpublished=size is None and size_class is not None,
        for_chats=any(name.is_instruct for name in names) or size is None,
        hints=", ".join(filter(None, (size_hint, f"released {month}" if month else ""))),
    )


def _month(names: Sequence[ModelName], release: Release | None) -> str:
    """Returns the month of release: that of a date in a name, else that of the family."""
    written = next((name.month for name in names if name.month), "")
    if written or release is None:
        return written
    days = (each for name in names for each in name.revisions if len(each) == _MONTH_AND_DAY)
    number = next((day[:2] for day in days if "01" <= day[:2] <= "12"), "")
    if not number:
        return release.month
    year, first = release.month.split("-")
    return f"{int(year) + (number < first)}-{number}"


def _unpublished(size_class: SizeClass | None, price_usd: float) -> tuple[float | None, str]:
    """Returns the size as doublings of the reference, by class or price, and the words for it."""
    if size_class is not None:
        name = size_class.name.lower()
        return math.log2(size_class.value / _REFERENCE_B), f"of a {name} size by its name"
    if price_usd > 0:
        doublings = _DOUBLINGS_PER_DOUBLING_OF_PRICE * math.log2(price_usd)
        return _DOUBLINGS_AT_ONE_DOLLAR + doublings, f"a price of ${price_usd:.2g}"
    return None, ""


def _published(name: ModelName, release: Release | None) -> _Size | None:
    size_b, active_b = name.size_b, name.active_b
    if release is not None and release.size_b is not None and size_b in {None, release.active_b}:
        size_b, active_b = release.size_b, release.active_b
    if not size_b:
        return None
    if name.expert_count > 1:
        geometric_b = size_b * math.sqrt(_EXPERTS_SHARE * name.expert_count)
        return _Size(geometric_b, f"{name.expert_count}x{size_b:g}B parameters")
    if active_b is None:
        return _Size(size_b, f"{size_b:g}B parameters")
    return _Size(math.sqrt(size_b * active_b), f"{size_b:g}B parameters, {active_b:g}B active")


def _class_of(name: ModelName) -> SizeClass | None:
    return next((size for word, size in _CLASS_WORDS.items() if word in name.words), None)


def _years(month: str) -> float:
    year, number = month.split("-")
    return int(year) - _REFERENCE_YEAR + (int(number) - 1) / 12
