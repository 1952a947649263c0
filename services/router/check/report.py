"""Compares an endpoint's answers with the pool file; one report per endpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from services.router.check.capability_probe import proposed_capabilities
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.dialects.served_models import Catalogue, ServedModel
    from services.router.backends.http.attempt_failure import AttemptFailedError
    from services.router.pool.model import PoolModel
    from services.router.types.options import Capability

_KEY_REFUSED = {401, 403}
_PROXY_REFUSES = 407
_MAX_NAMES = 5
_PRICE_TOLERANCE = 0.01
_PRICES = (
    "prompt_price_usd_per_million_tokens",
    "completion_price_usd_per_million_tokens",
    "cached_prompt_price_usd_per_million_tokens",
    "cache_written_prompt_price_usd_per_million_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The answers of an endpoint; None for those that are missing."""

    catalogue: Catalogue | None
    failure: AttemptFailedError | None
    """The failure of the test call."""
    timed_out: bool
    message: str
    """The backend's own words about the failure; empty if it said nothing."""
    latency_s: float | None
    """Duration of the test call, if it brought a whole reply."""
    proposal: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the model that would suit the endpoint; empty if none are known."""
    capabilities: frozenset[Capability] | None = None
    """The capabilities that test calls showed; None if none were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReport:
    """The report of one endpoint; unknown fields are None."""

    model_id: str
    url: str
    backend: str
    status: str
    """Status of the test call, as in `CallStatus`; `NOT_CHECKED` if there was none."""
    latency_s: float | None
    model_known: bool | None
    key: str
    """`none`, `accepted`, `refused`, or `unknown` if no call reached that check."""
    priced: bool
    context_window_tokens: int
    served_context_window_tokens: int | None
    problems: tuple[str, ...]
    proposal: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the model in the pool file with which the endpoint would answer as it should."""

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields, for JSON."""
        return asdict(self)


def endpoint_report(model: PoolModel, url: str, findings: Findings) -> EndpointReport:
    """Compares the answers of an endpoint with the pool file."""
    served = None
    if findings.catalogue is not None:
        served = findings.catalogue.find(model.backend_model or model.id)
    problems = [
        *_call_problems(model, findings),
        *_proposals(findings),
        *_capability_problems(model, findings),
        *_catalogue_problems(model, findings, served),
    ]
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
        proposal={**findings.proposal, **_capability_proposal(model, findings)},
    )


def unchecked_report(
    model: PoolModel, status: CallStatus | None, problem: str | None
) -> EndpointReport:
    """Returns the report of a model whose endpoints are unknown to the check."""
    dns, slices = model.replicas.dns, model.replicas.endpoint_slices
    url = f"dns {dns.name}" if dns is not None else ""
    if slices is not None:
        url = f"endpoint slices of {slices.namespace}/{slices.service}"
    return EndpointReport(
        model_id=model.id,
        url=url,
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
    problem = _call_problem(model, findings)
    if problem is None:
        return []
    return [f"{problem}: {findings.message}" if findings.message else problem]


def _call_problem(model: PoolModel, findings: Findings) -> str | None:
    failure, status = findings.failure, _status(findings)
    if status is CallStatus.OK:
        return None
    if failure is not None and failure.http_status in _KEY_REFUSED:
        keyless = model.api_key_file is None
        return "requires a key, but the pool file names none" if keyless else "refuses the key"
    if status is CallStatus.UNREACHABLE:
        if failure is None or failure.http_status != _PROXY_REFUSES:
            return "cannot be reached, or its certificate is not trusted"
        return "its proxy asks for credentials, or refuses those that it got"
    if status is CallStatus.TIMEOUT:
        return "did not answer the test call in time"
    return f"the test call ended as {status.name}"


def _proposals(findings: Findings) -> list[str]:
    if not findings.proposal:
        return []
    lines = yaml.safe_dump(dict(findings.proposal), default_flow_style=True, width=1000)
    setting = lines.strip()[1:-1]  # without the braces of the whole
    if "request" in findings.proposal:
        return [f"would answer with this line in the pool file: `{setting}`"]
    return [f"its replies begin within reasoning, so the pool file needs the line `{setting}`"]


def _capability_proposal(model: PoolModel, findings: Findings) -> dict[str, list[str]]:
    if findings.capabilities is None:
        return {}
    proposed = proposed_capabilities(model, findings.capabilities)
    return {} if proposed is None else {"capabilities": list(proposed)}


def _capability_problems(model: PoolModel, findings: Findings) -> list[str]:
    proposal = _capability_proposal(model, findings)
    if not proposal:
        return []
    line = f"capabilities: [{', '.join(proposal['capabilities'])}]"
    return [f"its test calls showed other capabilities; the pool file could have the line `{line}`"]


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
    for name in _PRICES:
        theirs, ours = getattr(served, name), getattr(model, name)
        if theirs is None or ours is None:
            continue
        if abs(theirs - ours) > _PRICE_TOLERANCE * max(theirs, ours):
            problems.append(f"{name} is {ours:g}, but the server's is {theirs:g}")
    return problems
