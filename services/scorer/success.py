"""An artifact's chances of success by response class, which are the same for every query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.runtime import SUCCESS_OUTPUT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from scorer import Runtime


def class_success(runtime: Runtime) -> npt.NDArray[np.float32]:
    """Returns the chance that a model answers a query of a response class well, shape (C, M)."""
    feeds = runtime._feeds([runtime.tokenize("a word")])  # noqa: SLF001  # read once, at start
    success: npt.NDArray[np.float32]
    (success,) = runtime._session.run([SUCCESS_OUTPUT], feeds)  # noqa: SLF001  # as above
    return success
