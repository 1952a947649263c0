"""Lets the real programs of this repository read a command line, and stops them before they act."""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import io
import os
import re
import runpy
import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

from typer import BadParameter
from typer.core import TyperCommand
from typer.models import ParameterInfo

from services.evaluation.answers.eval_command import parse_policy
from services.evaluation.decisions.policy_overrides import BadOverrideError, read_overrides
from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICES = ("scorer", "router", "judge", "gateway")
_READERS_VARIABLES = {"ROUTEMOA_DATA": "data"}
"""Variables that documents tell a reader to set."""
_INCOMPLETE = re.compile(
    r"Missing (argument|option|command|parameter)|requires an argument|expected (one|at least one)"
    r"|following arguments are required|Field required"
)


class _ReadError(BaseException):
    """Ends a program that has read its command line; no program catches it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.options = options


class _ReplacedError(BaseException):
    """Ends a program that would be replaced by another; no program catches it."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.words = words


_invoke = TyperCommand.invoke


def _stop_command(command: TyperCommand, context: Any) -> Any:
    if context.ignore_unknown_options:
        return _invoke(command, context)  # It hands its arguments on to another parser.
    raise _ReadError(context.params)


def _stop_replacement(_: str, words: Sequence[str]) -> NoReturn:
    raise _ReplacedError(words)


_NEED_NOT_EXIST = property(lambda _: False, lambda info, value: vars(info).update(exists=value))
"""Stands in for `ParameterInfo.exists`, which readers' own files would not meet."""

_parse_args = argparse.ArgumentParser.parse_args


def _stop_parser(parser: argparse.ArgumentParser, arguments: Any = None, _: Any = None) -> NoReturn:
    raise _ReadError(vars(_parse_args(parser, arguments)))


def module_problems(module: str, arguments: Sequence[str], *, is_mention: bool) -> list[str]:
    """Returns what is wrong with `python -m module arguments`.

    Args:
        module: The module, whose command line argparse or Typer reads.
        arguments: What follows it. Files need not exist.
        is_mention: Whether required arguments may be missing.
    """
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return [f"no module {module}"]
    if module.startswith("tests."):
        return _undeclared_options(module, arguments)
    if module.startswith("services.") and module.partition(".")[2] in SERVICES and not arguments:
        return []  # It would serve.
    return _read_problems(module, arguments, is_mention=is_mention)


def _undeclared_options(module: str, arguments: Sequence[str]) -> list[str]:
    """Returns the options that the source of a benchmark does not declare; torch loads slowly."""
    path = ROOT / module.replace(".", "/")
    source = (path / "__main__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    declared = {
        argument.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "add_argument"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    options = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    return [f"{module} has no option {option}" for option in options if option not in declared]


def _read_problems(module: str, arguments: Sequence[str], *, is_mention: bool) -> list[str]:
    """Returns what the real parser of a module says against its arguments."""
    output = io.StringIO()
    with (
        patch.object(sys, "argv", [module, *arguments]),
        patch.dict(os.environ, _READERS_VARIABLES),
        patch.object(TyperCommand, "invoke", _stop_command),
        patch.object(os, "execv", _stop_replacement),
        patch.object(argparse.ArgumentParser, "parse_args", _stop_parser),
        patch.object(ParameterInfo, "exists", _NEED_NOT_EXIST, create=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            runpy.run_module(module, run_name="__main__")
        except _ReadError as read:
            return _policy_problems(arguments[0], read.options)
        except _ReplacedError as replaced:
            _, _, module, *rest = replaced.words
        except ImportError as error:
            return [f"cannot be imported: {error}"]
        except SystemExit as end:
            text = " ".join(f"{output.getvalue()} {end.code}".split())
            is_incomplete = not arguments or _INCOMPLETE.search(text)
            is_right = end.code == 0 or (is_mention and is_incomplete)
            return [] if is_right else [text]
        else:
            return ["read no arguments"]
    return module_problems(module, rest, is_mention=is_mention)


def _policy_problems(verb: str, options: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with settings given as `--policy name=value`."""
    given = [item for item in options.get("policy") or () if "..." not in item]
    try:
        if verb == "replay":
            read_overrides(given, options["strategy"])
        elif given:
            parse_policy(given)
    except (BadOverrideError, BadParameter) as error:
        return [str(error)]
    return []
