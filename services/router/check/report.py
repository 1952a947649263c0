"""What a check found at an endpoint, and what of it is a problem."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.dialects.served_models import Catalogue, ServedModel
    from services.router.backends.http.attempt_failure import AttemptFailedError
    from services.router.pool.pool import PoolModel

_KEY_REFUSED = {401, 403}
_MAX_NAMES = 5
_PRICE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a server said, None where it did not."""

    catalogue: Catalogue | None
    failure: AttemptFailedError | None
    """Of the test call."""
    timed_out: bool
    latency_s: float | None
    """Of the test call, if it brought a whole reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReport:
    """One endpoint, ready to be shown; fields are None where nothing is known."""

    model_id: str
    url: str
    backend: str
    status: str
    """How the test call ended, as in `CallStatus`; `NOT_CHECKED` where there was none."""
    latency_s: float | None
    model_known: bool | None
    key: str
    """`none`, `accepted`, `refused`, or `unknown` where no call got that far."""
    priced: bool
    context_window_tokens: int
    served_context_window_tokens: int | None
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields, for JSON."""
        return asdict(self)


def endpoint_report(model: PoolModel, url: str, findings: Findings) -> EndpointReport:
    """Holds what a server said against the pool file."""
    served = None
    if findings.catalogue is not None:
        served = findings.catalogue.find(model.backend_model or model.id)
    problems = [*_call_problems(model, findings), *_catalogue_problems(model, findings, served)]
    return EndpointReport(
        model_id=model.id,
        url=url,
        backend=model.backend.value,
        status=_status(findings).name,
        latency_s=findings.latency_s,
        model_known=None if findings.catalogue is None else served is not None,
        key=_key(model, findings),
        priced=_priced(model),
        context_window_tokens=model.context_window_tokens,
        served_context_window_tokens=None if served is None else served.context_window_tokens,
        problems=tuple(problems),
    )


def unchecked_report(
    model: PoolModel, status: CallStatus | None, problem: str | None
) -> EndpointReport:
    """Returns the report of a model whose endpoints are not known here."""
    dns, slices = model.replicas.dns, model.replicas.endpoint_slices
    where = f"dns {dns.name}" if dns is not None else ""
    if slices is not None:
        where = f"endpoint slices of {slices.namespace}/{slices.service}"
    return EndpointReport(
        model_id=model.id,
        url=where,
        backend=model.backend.value,
        status="NOT_CHECKED" if status is None else status.name,
        latency_s=None,
        model_known=None,
        key="unknown",
        priced=_priced(model),
        context_window_tokens=model.context_window_tokens,
        served_context_window_tokens=None,
        problems=() if problem is None else (problem,),
    )


def _status(findings: Findings) -> CallStatus:
    if findings.timed_out:
        return CallStatus.TIMEOUT
    return CallStatus.OK if findings.failure is None else findings.failure.status


def _key(model: PoolModel, findings: Findings) -> str:
    if findings.failure is not None and findings.failure.http_status in _KEY_REFUSED:
        return "refused"
    if model.api_key_file is None:
        return "none"
    return "accepted" if _status(findings) is CallStatus.OK else "unknown"


def _priced(model: PoolModel) -> bool:
    return bool(
        model.prompt_price_usd_per_million_tokens or model.completion_price_usd_per_million_tokens
    )


def _call_problems(model: PoolModel, findings: Findings) -> list[str]:
    failure, status = findings.failure, _status(findings)
    if status is CallStatus.OK:
        return []
    if failure is not None and failure.http_status in _KEY_REFUSED:
        if model.api_key_file is None:
            return ["wants a key, and the pool file names none"]
        return ["refuses the key"]
    if status is CallStatus.UNREACHABLE:
        return ["cannot be reached, or its certificate is not trusted"]
    if status is CallStatus.TIMEOUT:
        return ["did not answer the test call in time"]
    said = f" with HTTP status {failure.http_status}" if failure and failure.http_status else ""
    return [f"the test call ended as {status.name}{said}"]


def _catalogue_problems(
    model: PoolModel, findings: Findings, served: ServedModel | None
) -> list[str]:
    if findings.catalogue is None:
        return []
    if served is None:
        names = sorted(findings.catalogue.models)
        more = ", ..." if len(names) > _MAX_NAMES else ""
        listed = f"{', '.join(names[:_MAX_NAMES]) or 'nothing'}{more}"
        return [f"does not serve {model.backend_model or model.id}; it serves {listed}"]
    window = served.context_window_tokens
    problems = []
    if window is not None and window < model.context_window_tokens:
        problems.append(
            f"context_window_tokens is {model.context_window_tokens}, but the server's is {window}"
        )
    for name in ("prompt_price_usd_per_million_tokens", "completion_price_usd_per_million_tokens"):
        asked, own = getattr(served, name), getattr(model, name)
        if asked is not None and abs(asked - own) > _PRICE_TOLERANCE * max(asked, own):
            problems.append(f"{name} is {own:g}, but the server asks {asked:g}")
    return problems
