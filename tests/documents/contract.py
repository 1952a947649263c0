"""Checks calls and names of gRPC services by the contract."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import Default
from grpc_health.v1 import health_pb2

import routemoa.v1
from tests.chart.chart import PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor_pool import DescriptorPool

    from tests.documents.pages import Command

_HEALTH = health_pb2.DESCRIPTOR.package
_GRPCURL_OPTIONS_WITH_VALUE = {"-d", "-H", "-max-time", "-cacert", "-cert", "-key"}
_GHZ_FLAGS = {"--insecure"}


@cache
def _pool() -> DescriptorPool:
    for module in pkgutil.iter_modules(routemoa.v1.__path__):
        importlib.import_module(f"routemoa.v1.{module.name}")
    return Default()


def symbol_problems(name: str) -> list[str]:
    """Returns a problem if the contract has no service, method, message or enum of this name."""
    pool = _pool()
    for find in (pool.FindFileContainingSymbol, pool.FindMethodByName):
        with contextlib.suppress(KeyError):
            find(name)
            return []
    return [f"the contract has no {name}"]


def _call_problems(target: str, data: str | None, address: str) -> list[str]:
    name = target.replace("/", ".")
    if problems := symbol_problems(name):
        return problems
    method = _pool().FindMethodByName(name)
    service = method.containing_service.full_name
    port = address.rpartition(":")[2]
    served = {f"routemoa.v1.{name.capitalize()}Service": str(port) for name, port in PORTS.items()}
    problems = (
        []
        if service.startswith(_HEALTH) or served[service] == port
        else [f"{service} does not listen on port {port}"]
    )
    try:
        json_format.Parse(data or "{}", message_factory.GetMessageClass(method.input_type)())
    except json_format.ParseError as error:
        problems.append(f"{target}: {error}")
    return problems


def _split(words: Sequence[str], flags: set[str]) -> tuple[dict[str, str], list[str]]:
    """Returns the options with their values, and the other words."""
    options: dict[str, str] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            others.append(word)
        else:
            options[word] = "" if word in flags else next(rest, "")
    return options, others


def grpcurl_problems(command: Command) -> list[str]:
    """Returns what the contract says against a command of grpcurl."""
    flags = {word for word in command.words if word.startswith("-")} - _GRPCURL_OPTIONS_WITH_VALUE
    options, (address, verb, *names) = _split(command.words[1:], flags)
    if verb in {"list", "describe"}:
        return [problem for name in names for problem in symbol_problems(name)]
    return _call_problems(verb, options.get("-d"), address)


def ghz_problems(command: Command) -> list[str]:
    """Returns what the contract says against a command of ghz."""
    options, (address,) = _split(command.words[1:], _GHZ_FLAGS)
    return _call_problems(options["--call"], options.get("--data"), address)
