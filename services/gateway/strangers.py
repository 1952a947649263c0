"""Answers requests for paths and methods that are not there, in the form of OpenAI's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ExceptionHandler


def not_served(request: Request, error: Exception) -> Response:
    """Returns the response to a request that no route takes."""
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
    reason = "this method is not allowed" if error.status_code == 405 else "there is no such path"
    body = {
        "error": {
            "message": f"{reason}: {request.method} {request.url.path[:200]}",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
    return JSONResponse(body, error.status_code, headers=error.headers)


EXCEPTION_HANDLERS: Mapping[type[Exception] | int, ExceptionHandler] = {HTTPException: not_served}
