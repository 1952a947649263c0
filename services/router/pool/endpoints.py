"""The addresses of a model's replicas in a pool file: a list, a DNS name or a Kubernetes Service.

Host names and URLs that no lookup or request can use are refused.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    Tag,
    model_validator,
)

DIRECT = "none"
"""The value of `proxy` for a backend that is reached without one."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_MAX_NAME_LENGTH = 253
_Port = Annotated[int, Field(ge=1, le=65535)]
_KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
_ApiPath = Annotated[str, Field(pattern=r"^(/[\w.~-]+)*$")]


def check_host(name: str) -> str:
    """Returns a host name or an IP address.

    Raises:
        ValueError: It is neither.
    """
    if _is_address(name):
        return name
    try:  # refuses empty labels, labels that are too long, and characters outside IDNA
        labels = name.removesuffix(".").encode("idna").decode("ascii").split(".")
    except UnicodeError as error:
        raise ValueError(_problem(name)) from error
    if sum(len(label) + 1 for label in labels) - 1 > _MAX_NAME_LENGTH:
        raise ValueError(_problem(name))
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(_problem(name))
    return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return "%" not in name  # a zone has a meaning only on this machine


def _problem(name: str) -> str:
    return f"{name!r} is no host name: between dots stand 1 to 63 letters, digits, - and _"


def _check_base_url(url: HttpUrl) -> HttpUrl:
    _check_server(url)
    if url.query is not None or url.fragment is not None:
        raise ValueError("must have no query and no fragment: paths are appended to it")
    return url


def _check_proxy_url(url: HttpUrl) -> HttpUrl:
    _check_server(url)
    if url.username is not None or url.password is not None:
        raise ValueError("must hold no credentials: name this proxy in HTTPS_PROXY or HTTP_PROXY")
    return url


def _check_server(url: HttpUrl) -> None:
    check_host((url.host or "").removeprefix("[").removesuffix("]"))
    if not url.port:
        raise ValueError("must have a port between 1 and 65535")


HostName = Annotated[str, AfterValidator(check_host)]
BaseUrl = Annotated[HttpUrl, AfterValidator(_check_base_url)]
Proxy = Annotated[
    Annotated[Literal["none"], Tag("none")]
    | Annotated[HttpUrl, AfterValidator(_check_proxy_url), Tag("url")],
    Discriminator(lambda value: "none" if value == DIRECT else "url"),
]


class DnsEndpoints(BaseModel):
    """All addresses of a DNS name, such as that of a headless Service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: HostName = Field(min_length=1, max_length=253, description="The name that is looked up.")
    port: _Port = Field(description="Port of the API at every address.")
    path: _ApiPath = Field(default="/v1", description="Path of the API.")
    interval_s: float = Field(default=5.0, ge=0.1, le=3600, description="Time between two lookups.")


class EndpointSlices(BaseModel):
    """The ready addresses of a Kubernetes Service, from the API server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespace: _KubernetesName = Field(description="The Service's namespace.")
    service: _KubernetesName = Field(description="The Service's name.")
    port: _Port | _KubernetesName = Field(description="The port, by number or by name.")
    path: _ApiPath = Field(default="/v1", description="Path of the API.")


def _or_a_list(schema: dict[str, Any]) -> None:
    """Adds the bare list to the JSON schema, which editors and the Helm chart use."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [whole["properties"]["urls"]["anyOf"][0], whole]


class Endpoints(BaseModel):
    """The addresses of the replicas, in one of three forms; a bare list means `urls`."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_or_a_list)

    urls: tuple[BaseUrl, ...] | None = Field(default=None, min_length=1, max_length=256)
    dns: DnsEndpoints | None = None
    endpoint_slices: EndpointSlices | None = None

    @model_validator(mode="before")
    @classmethod
    def _list_is_urls(cls, value: Any) -> Any:
        return {"urls": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if sum(way is not None for way in (self.urls, self.dns, self.endpoint_slices)) != 1:
            raise ValueError("must be a list of URLs, `dns` or `endpoint_slices`: one of them")
        if len(set(self.base_urls)) < len(self.base_urls):
            raise ValueError("names a URL twice")
        return self

    @property
    def base_urls(self) -> tuple[str, ...]:
        """The URLs in the file, without a slash at the end; empty if they are looked up."""
        return tuple(str(url).rstrip("/") for url in self.urls or ())

    def has_path(self, path: str) -> bool:
        """Returns whether the base URL of any replica ends with a path."""
        looked_up = self.dns or self.endpoint_slices
        ends = self.base_urls if looked_up is None else (looked_up.path,)
        return any(end.endswith(path) for end in ends)


def base_url(host: str, port: int, path: str) -> str:
    """Returns the base URL for an address that was looked up: plain HTTP, as inside a cluster."""
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
