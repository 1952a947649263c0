"""Finds the scorer's models among a pool's, however their names are spelled. Pure.

Two names match if words, versions, sizes and format (instruct or not) are the same. Dates must be the
same too, unless the pool's name has none and one model of the scorer fits. A wrong match is worse than
an estimate, so any doubt is no match.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.model_priors.model_name import read_model_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The scorer's models that a model of the pool is, or is near to."""

    scorer_ids: tuple[str, ...]
    """The one model that it is, or the other releases of the same model; never empty."""
    is_same: bool
    """True if it is the one model."""
    is_quantized: bool = False
    """True if only the pool's name says that the weights are quantized."""


class ScorerModels:
    """The models that a scorer knows, by their names.

    Args:
        model_ids: Their ids.
    """

    def __init__(self, model_ids: Collection[str]) -> None:
        self._ids = frozenset(model_ids)
        self._by_identity: Mapping[object, list[str]] = defaultdict(list)
        for model_id in sorted(self._ids):
            name = read_model_name(model_id)
            if name.words:
                self._by_identity[name.identity].append(model_id)

    def find(self, names: Sequence[str]) -> Match | None:
        """Returns the match of a model; None if there is none, or if its names contradict.

        Args:
            names: The model's names. The first that is an id of the scorer's counts as it stands.
        """
        for name in names:
            if name in self._ids:
                return Match(scorer_ids=(name,), is_same=True)
        found = [match for name in names if (match := self._respelled(name)) is not None]
        if not found or any(set(found[0].scorer_ids) != set(m.scorer_ids) for m in found):
            return None
        return found[0]

    def _respelled(self, text: str) -> Match | None:
        name = read_model_name(text)
        near = self._by_identity.get(name.identity, ()) if name.words else ()
        if not near:
            return None
        fitting = [i for i in near if read_model_name(i).revisions == name.revisions]
        if not fitting and not name.revisions:
            fitting = list(near)
        is_same = len(fitting) == 1
        ids = tuple(fitting) if is_same else tuple(near)
        quantized = name.is_quantized and not any(read_model_name(i).is_quantized for i in ids)
        return Match(scorer_ids=ids, is_same=is_same, is_quantized=quantized)
