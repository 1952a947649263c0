from __future__ import annotations

import asyncio
import importlib.util
import io
import signal
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from routemoa.cli.app import app
from routemoa.cli.command import read_query, run
from routemoa.cli.failures import EXIT_BAD_INPUT, EXIT_FAILURE, EXIT_INTERRUPTED, StackError


def command_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a process of its own."""
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "routemoa.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def invoke(*arguments: str, stdin: str | bytes | None = None) -> tuple[int, str]:
    """Returns the exit code and everything printed."""
    result = CliRunner().invoke(app, arguments, input=stdin)
    return result.exit_code, result.output


def test_the_help_lists_every_command() -> None:
    exit_code, output = invoke("--help")
    assert exit_code == 0
    assert [line.split()[0] for line in output.split("Commands:")[1].strip().splitlines()] == [
        "demo",
        "up",
        "ask",
        "feedback",
        "rank",
        "models",
        "pool",
        "examine",
        "eval",
        "learn",
        "replay",
        "rollout",
        "arena",
        "scorer",
        "serve",
    ]


@pytest.mark.parametrize("command", ["ask", "feedback", "rank", "models"])
def test_every_command_explains_itself(command: str) -> None:
    exit_code, output = invoke(command, "--help")
    assert exit_code == 0
    assert f"Usage: routemoa {command} [OPTIONS]" in output


@pytest.mark.parametrize(
    ("arguments", "explained"),
    [
        (("demo",), "--artifact"),
        (("up",), "--router-port"),
        (("pool",), "validate"),
        (("pool", "check"), "--timeout"),
        (("eval",), "--tokens-per-second"),
        (("replay",), "--postgres-dsn-file"),
    ],
)
def test_a_program_of_the_services_explains_itself_as_a_command(
    arguments: tuple[str, ...], explained: str
) -> None:
    done = command_process(*arguments, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: routemoa {' '.join(arguments)} " in done.stdout.lower()
    assert explained in done.stdout


def test_a_program_gets_all_arguments_and_gives_its_exit_status() -> None:
    done = command_process("up", "--pool", "no-such-file.yaml")
    assert done.returncode == EXIT_BAD_INPUT
    assert "no-such-file.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("absent", ["services", "aiohttp"])
def test_without_the_services_a_program_names_the_extra_that_brings_them(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == absent else find_spec(name)
    )
    exit_code, output = invoke("up", "--router-port", "0")
    assert exit_code == EXIT_FAILURE
    assert "pip install 'routemoa[serve,cli]'" in output


def test_a_service_that_does_not_exist_is_wrong_usage() -> None:
    for arguments in ((), ("butler",)):
        exit_code, output = invoke("serve", *arguments)
        assert exit_code == EXIT_FAILURE
        assert "scorer, router, judge, gateway" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask",),
        ("ask", "why?", "--timeout", "601"),
        ("ask", "why?", "--max-models", "many"),
        ("rank", "why?", "--unknown"),
        ("dance",),
    ],
)
def test_wrong_usage_leaves_with_2_and_no_traceback(arguments: tuple[str, ...]) -> None:
    exit_code, output = invoke(*arguments)
    assert exit_code == EXIT_BAD_INPUT
    assert "Traceback" not in output


def test_a_query_of_a_dash_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO("Où est\nla gare ?\n".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_query("-") == "Où est\nla gare ?"


@pytest.mark.parametrize("argument", ["-", "caf\udce9"])
def test_a_query_that_is_not_utf_8_is_wrong_usage(
    argument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    with pytest.raises(typer.BadParameter, match="UTF-8"):
        read_query(argument)


def test_a_command_that_succeeds_just_returns() -> None:
    async def work() -> None:
        return None

    run(work(), address="", as_json=False)


def test_a_commands_own_exit_code_is_kept() -> None:
    async def work() -> int:
        return 3

    with pytest.raises(typer.Exit) as caught:
        run(work(), address="", as_json=False)
    assert caught.value.exit_code == 3


def test_an_interrupt_cancels_the_work_and_leaves_with_130() -> None:
    cleaned_up = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            cleaned_up.append(True)

    with pytest.raises(typer.Exit) as caught:
        run(work(), address="", as_json=False)
    assert caught.value.exit_code == EXIT_INTERRUPTED, StackError
    assert cleaned_up == [True]


def test_a_failure_goes_to_standard_error_and_as_json_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> None:
        raise StackError("port 50051 is taken")

    for as_json in (False, True):
        with pytest.raises(typer.Exit) as caught:
            run(work(), address="", as_json=as_json)
        assert caught.value.exit_code == EXIT_FAILURE
        printed = capsys.readouterr()
        (with_text, empty) = (printed.out, printed.err) if as_json else (printed.err, printed.out)
        assert "port 50051 is taken" in with_text
        assert empty == ""
