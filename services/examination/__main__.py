"""`python -m services.examination run|report|questions`: the program behind `routemoa examine`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from services.examination import report_command, run_command
from services.examination.questions import question_command

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {"run": run_command.main, "report": report_command.main}


def main(arguments: Sequence[str]) -> int:
    """Runs a command; returns the exit status."""
    words = list(arguments)
    if words[:1] == ["examine"]:  # as `routemoa examine` calls it
        words = words[1:]
    if words and words[0] in _COMMANDS:
        return _COMMANDS[words[0]](words[1:])
    if words and words[0] == "questions":
        return question_command.main(words)
    parser = argparse.ArgumentParser("routemoa examine", description=__doc__)
    parser.add_argument("command", choices=[*_COMMANDS, "questions"])
    parser.parse_args(words[:1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
