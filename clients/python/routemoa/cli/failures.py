"""Errors for a person or a program: error -> `Failure` -> text or JSON, and an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from rich.text import Text

from routemoa.cli.terminal import printable
from routemoa.errors import RouteMoAError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_CALLERS_FAULT = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
# UNAVAILABLE covers both; only the text distinguishes a call that never left from one that broke.
_NEVER_CONNECTED = ("failed to connect", "resolution failed", "name resolution")
# The server expects TLS, or no TLS, or its certificate is not trusted.
_NEVER_AGREED = "connections to all backends failing"
_NOT_GRPC = "parsing http/2"
_HINTS: Mapping[str, str] = {
    "ERROR_REASON_INVALID_FIELD": "Correct the request.",
    "ERROR_REASON_INVALID_PAGE_TOKEN": "Start again at the first page.",
    "ERROR_REASON_MODEL_NOT_FOUND": (
        "`routemoa models` lists the pool, `routemoa rank` the scorer's models."
    ),
    "ERROR_REASON_MODEL_POOL_MISMATCH": (
        "Tell the operator: the pool file and the scorer's artifact disagree."
    ),
    "ERROR_REASON_NO_ELIGIBLE_MODEL": "Relax the limits: --max-cost-usd, --max-models, --model.",
    "ERROR_REASON_OVERLOADED": "Try again.",
    "ERROR_REASON_DRAINING": "The service is shutting down: try again.",
    "ERROR_REASON_GENERATION_FAILED": "Check the models' backends. Another try may cost money again.",
    "ERROR_REASON_DEADLINE_TOO_SHORT": "Allow more time: --timeout.",
    "ERROR_REASON_ANSWER_TIMED_OUT": "Allow more time: --timeout.",
    "ERROR_REASON_INTERNAL": (
        "Tell the operator: the service's log has the cause under this request id."
    ),
    "ERROR_REASON_BUDGET_EXHAUSTED": "Lower --max-cost-usd, or ask the operator for a larger budget.",
    "ERROR_REASON_UNKNOWN_TENANT": "Send the token that the operator gave you: --token-file.",
    "ERROR_REASON_BUDGET_STORE_UNAVAILABLE": "Try again.",
    "ERROR_REASON_MISSING_CAPABILITY": "Ask for less, or add a model that can do it to the pool.",
    "ERROR_REASON_FEEDBACK_DISABLED": "Tell the operator: the router's settings keep no feedback.",
    "ERROR_REASON_DECISION_NOT_FOUND": "Take the decision id of an answer: `routemoa ask --json`.",
    "ERROR_REASON_FEEDBACK_LIMIT": "Try again.",
    "ERROR_REASON_NO_VALID_ANSWER": "Simplify the schema. Another try may cost money again.",
}


class StackError(Exception):
    """Raised when the services on this machine cannot start or go on; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, ready to be shown."""

    reason: str
    """Name of the `ErrorReason`, `TRANSPORT`, or `STACK`."""
    message: str
    hint: str
    exit_code: int = EXIT_FAILURE
    code: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    violations: tuple[tuple[str, str], ...] = ()

    def as_text(self) -> Text:
        """Returns the failure for a person: the problem, its details and what to do."""
        text = Text.assemble(("error: ", "bold red"), printable(self.message))
        for field, description in self.violations:
            text.append(printable(f"\n  {field}: {description}"))
        for key, value in self.metadata:
            if value in self.message:
                continue
            text.append(printable(f"\n  {key}: {value}"), style="dim")
        if self.hint:
            text.append(f"\n{self.hint}")
        return text

    def as_dict(self) -> dict[str, object]:
        """Returns the failure for a program."""
        return {
            "error": {
                "reason": self.reason,
                "code": self.code,
                "message": self.message,
                "hint": self.hint,
                "metadata": dict(self.metadata),
                "violations": [{"field": f, "description": d} for f, d in self.violations],
            }
        }


def describe(error: RouteMoAError | StackError, address: str) -> Failure:
    """Returns the failure of a call to `address`, or of the stack."""
    if isinstance(error, StackError):
        return Failure(reason="STACK", message=str(error), hint="")
    if isinstance(error, TransportError):
        return _transport_failure(error, address)
    hint = _HINTS.get(error.reason, "")
    if error.retry_delay_s is not None:
        hint = f"Try again in {error.retry_delay_s:g} s."
    violations = tuple((v.field, v.description) for v in error.violations)
    return Failure(
        reason=error.reason,
        message="the request is invalid" if violations else error.message,
        hint=hint,
        exit_code=EXIT_BAD_INPUT if error.code in _CALLERS_FAULT else EXIT_FAILURE,
        code=error.code.name,
        metadata=tuple(sorted(error.metadata.items())),
        violations=violations,
    )


def _transport_failure(error: TransportError, address: str) -> Failure:
    """Returns the failure of a call that no RouteMoA service answered."""
    code, text = error.code, error.message.lower()
    message, hint = f"the call to {address} failed: {error.message}", ""
    if code is grpc.StatusCode.UNIMPLEMENTED or _NOT_GRPC in text:
        message = f"the server at {address} is not the service of this command"
        hint = "Check the address (see --help)."
    elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message, hint = f"no answer from {address} in the time allowed", "Allow more: --timeout."
    elif code is grpc.StatusCode.UNAVAILABLE and any(sign in text for sign in _NEVER_CONNECTED):
        message = f"nothing answers at {address}"
        hint = "Start the services with `routemoa up`, or give their address (see --help)."
    elif code is grpc.StatusCode.UNAVAILABLE and _NEVER_AGREED in text:
        message = f"no connection to {address}: {error.message}"
        hint = "Check the address and the TLS options: --tls, --ca-file (see --help)."
    elif code is grpc.StatusCode.UNAVAILABLE:
        message, hint = f"the connection to {address} broke: {error.message}", "Try again."
    return Failure(reason="TRANSPORT", message=message, hint=hint, code=code.name)
