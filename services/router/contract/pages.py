"""Reads requests for a page of the pool."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from routemoa.errors import InvalidPageTokenError
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.v1 import router_service_pb2
    from services.router.pool.pool import Pool

MAX_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 100


def read_page(request: router_service_pb2.ListModelsRequest, pool: Pool) -> tuple[list[str], str]:
    """Returns the model ids of a page and the token of the next one; no token after the last page.

    Raises:
        InvalidFieldError: The page size is out of range.
        InvalidPageTokenError: The token was not issued for this pool.
    """
    violations = Violations()
    page_size = request.page_size if request.HasField("page_size") else DEFAULT_PAGE_SIZE
    violations.within("page_size", page_size, 1, MAX_PAGE_SIZE)
    violations.raise_if_any()
    ids = sorted(pool.by_id)
    start = _read_token(request.page_token, ids) if request.page_token else 0
    end = start + page_size
    return ids[start:end], _token(end, ids) if end < len(ids) else ""


def _token(position: int, ids: Sequence[str]) -> str:
    """Returns a token that names a position and the pool that it is a position in."""
    digest = hashlib.sha256("\0".join(ids).encode()).hexdigest()[:12]
    return base64.urlsafe_b64encode(f"{digest}:{position}".encode()).decode()


def _read_token(token: str, ids: Sequence[str]) -> int:
    try:
        position = int(base64.urlsafe_b64decode(token.encode()).decode().partition(":")[2])
    except (ValueError, binascii.Error) as error:
        raise InvalidPageTokenError("the page token was not issued by this service") from error
    if _token(position, ids) != token or not 0 < position < len(ids):
        raise InvalidPageTokenError("the page token was not issued for this pool")
    return position
