"""The addresses of a model's replicas in a pool file: a list, a DNS name or a Kubernetes Service."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.router.pool.urls import BaseUrl, HostName

_Port = Annotated[int, Field(ge=1, le=65535)]
_KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
_ApiPath = Annotated[str, Field(pattern=r"^(/[\w.~-]+)*$")]


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
