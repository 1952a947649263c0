"""The alphabetical order of ids, by which equals are ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def alphabetical_places(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Returns the place of each id in alphabetical order, shape (N,)."""
    places = np.empty(len(ids), dtype=np.int64)
    places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return places
