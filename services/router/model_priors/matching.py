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
    from collections.abc import Collection


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
        self._by_identity: dict[object, list[str]] = defaultdict(list)
        for model_id in sorted(self._ids):
            name = read_model_name(model_id)
            if name.words:
                self._by_identity[name.identity].append(model_id)
        self._found: dict[tuple[str, ...], Match | None] = {}

    def find(self, names: tuple[str, ...]) -> Match | None:
        """Returns the match of a model; None if there is none, or if its names contradict.

        Args:
            names: Its names. If the first one is an id of the scorer's, the others do not count.
        """
        if names not in self._found:
            self._found[names] = self._find(names)
        return self._found[names]

    def _find(self, names: tuple[str, ...]) -> Match | None:
        if names[0] in self._ids:
            return Match(scorer_ids=names[:1], is_same=True)
        found = [match for name in names if (match := self._respelled(name)) is not None]
        if not found or any(match.scorer_ids != found[0].scorer_ids for match in found):
            return None
        return next((match for match in found if match.is_quantized), found[0])

    def _respelled(self, text: str) -> Match | None:
        if text in self._ids:
            return Match(scorer_ids=(text,), is_same=True)
        name = read_model_name(text)
        near = self._by_identity.get(name.identity, []) if name.words else []
        fitting = [i for i in near if read_model_name(i).revisions == name.revisions]
        if not fitting and not name.revisions:
            fitting = near
        ids = tuple(fitting if len(fitting) == 1 else near)
        if not ids:
            return None
        quantized = name.is_quantized and not any(read_model_name(i).is_quantized for i in ids)
        return Match(scorer_ids=ids, is_same=len(fitting) == 1, is_quantized=quantized)
