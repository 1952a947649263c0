"""Host names and URLs of a pool file: those that no lookup or request can use are refused."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, HttpUrl, Tag

DIRECT = "none"
"""The value of `proxy` for a backend that is reached without one."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_MAX_NAME_LENGTH = 253


def check_host(name: str) -> str:
    """Returns a host name or an IP address.

    Raises:
        ValueError: It is neither.
    """
    if _is_address(name):
        return name
    try:
        labels = name.removesuffix(".").encode("idna").decode("ascii").split(".")
    except (
        UnicodeError
    ) as error:  # an empty label, one that is too long, or characters outside IDNA
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
