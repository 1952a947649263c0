"""Checks names in the text of documents: variables, settings, values, classes, methods."""

from __future__ import annotations

import importlib
import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.rpc.config import settings_of
from services.scorer.config import ScorerServiceConfig
from tests.documents.cluster import components, path_problems
from tests.documents.contract import symbol_problems
from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.documents.pages import Piece

_SETTINGS = (
    ScorerServiceConfig,
    RouterServiceConfig,
    JudgeServiceConfig,
    GatewayServiceConfig,
)
_VARIABLE = re.compile(r"\bROUTEMOA_[A-Z0-9_]*[A-Z0-9]\b")
_SETTINGS_PAGE = "docs/config.md"
_FORMER_VARIABLE = re.compile(r"^\| `(\w+)` \| (?:fixed: .+|`\w+`) \|$", re.MULTILINE)
"""A row of the table of renamed and removed settings."""
_WORD = re.compile(
    r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z]+)+|RouteMoA[A-Z]\w+)(?:(?:: | = ).+)?"
)
_METRIC = re.compile(r"routemoa_\w+?(_total)?")
_ALERT = re.compile(r"RouteMoA[A-Z]\w+")
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)+)( .*)?")
_DOTTED = re.compile(r"([a-zA-Z][\w-]*)(\.[A-Za-z]\w*)+")
_METHOD = re.compile(r"(\w+Service)\.(\w+)")
_PROGRAMS = ("*.py", "*.sh", "Makefile")
_SOURCES = (
    *_PROGRAMS,
    *("*.proto", "*.json", "*.toml", "*.lua", "*Dockerfile"),
    *("deploy/k8s/routemoa/templates", "tests/wire/transcripts", ".github"),
)
_NOT_SOURCES = (":!tests/documents", ":!tests/contract/test_documented.py", ":!*lock*")
FOREIGN = {
    "--create-namespace": "an option of Helm",
    "--enable-cache-report": "an option of SGLang",
    "--no-prefill-assistant": "an option of llama.cpp",
    "--reasoning-parser": "an option of vLLM and SGLang",
    "ROUTEMOA_ROUTER_PORT": "Kubernetes would set it, and the service refuses it",
    "continuous_usage_stats": "an option of vLLM",
    "max_tokens": "a parameter of the APIs of OpenAI and Anthropic",
    "tls.crt": "a key of Secrets",
    "tls.key": "a key of Secrets",
}
"""Names that look like ours, with what they are."""


@cache
def source_words(*patterns: str) -> frozenset[str]:
    """Returns every word of the tracked files, by default of all sources but documents and locks."""
    command = ["git", "grep", "-hoIwE", r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*", "--"]
    done = subprocess.run(  # noqa: S603  # a fixed command
        [*command, *(patterns or _SOURCES), *_NOT_SOURCES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    words = done.stdout.split()
    return frozenset(words) | {part for word in words for part in word.split("-")}


@cache
def _settings() -> frozenset[str]:
    return frozenset(
        f"{kind.model_config.get('env_prefix', '')}{name}".upper()
        for kind in _SETTINGS
        for name in settings_of(kind)
    )


@cache
def _former_names() -> frozenset[str]:
    """Returns the old names of settings, without those that a policy of the contract has."""
    former = {name for kind in _SETTINGS for name in kind.former_settings}
    return frozenset(former - source_words("*.proto"))


def variable_problems(document: str, text: str) -> list[str]:
    """Returns the variables of a document that no program reads, with their lines."""
    prefixes = tuple(str(kind.model_config.get("env_prefix")) for kind in _SETTINGS)
    listed = set(_FORMER_VARIABLE.findall(text)) if document == _SETTINGS_PAGE else set()
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        for name in _VARIABLE.findall(line):
            known = _settings() if name.startswith(prefixes) else source_words(*_PROGRAMS)
            if name not in known | FOREIGN.keys() | listed and f"{name}_" not in prefixes:
                problems.append(f"{document}:{number}: nothing reads the variable {name}")
    return problems


def name_problems(piece: Piece) -> list[str]:
    """Returns what is wrong with a name in backticks."""
    name = piece.text.removesuffix("(...)")
    if _VARIABLE.fullmatch(name):
        return []  # As `variable_problems` says.
    if name in FOREIGN or (_ALERT.fullmatch(name) and piece.document.startswith("clients/")):
        return []
    if option := _OPTION.fullmatch(name):
        return _word_problems(option[1].replace("-", "_"), option[1])
    if word := _WORD.fullmatch(name):
        return _word_problems(word[1], f"ERROR_REASON_{word[1]}")
    return list(_dotted_problems(piece, name)) if _DOTTED.fullmatch(name) else []


def _word_problems(name: str, *spellings: str) -> list[str]:
    if name in _former_names():
        return [f"{name} is no setting any more"]
    spelled = {name, *spellings}
    if _METRIC.fullmatch(name):
        spelled.add(name.removesuffix("_total"))
    known = source_words() | _settings()
    return [] if spelled & known else [f"no source has the name {name}"]


def _dotted_problems(piece: Piece, name: str) -> Iterator[str]:
    first, _, rest = name.partition(".")
    method = _METHOD.fullmatch(name)
    if method and method[1] in source_words():
        yield from symbol_problems(f"routemoa.v1.{name}")
    elif first == "routemoa" and not piece.document.startswith(
        ("clients/go", "clients/typescript")
    ):
        if not _is_python(name):
            yield from symbol_problems(name)
    elif first in components() and not (ROOT / f"{name.replace('.', '/')}.py").is_file():
        yield from [] if rest in {"py", "md", "yaml"} or _is_python(name) else path_problems(name)


def _is_python(name: str) -> bool:
    """Returns whether a dotted name is a module or something in one."""
    module, *rest = name.split(".")
    found: object = importlib.import_module(module) if module in {"routemoa", "scorer"} else None
    for part in rest:
        module = f"{module}.{part}"
        if not hasattr(found, part):
            try:
                found = importlib.import_module(module)
            except ImportError:
                return False
        else:
            found = getattr(found, part)
    return found is not None
