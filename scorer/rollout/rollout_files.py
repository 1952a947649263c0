"""The files of a rollout, beside the link that scorers follow: its state, its log and its lock.

``current -> artifact``, ``current.rollout.json``, ``current.rollout-log.jsonl``,
``current.rollout.lock``
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.rollout.rollout import parse_rollout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scorer.rollout.rollout import Rollout


class RolloutBusyError(OSError):
    """Raised if another command changes the rollout at this moment."""


@dataclass(frozen=True, slots=True)
class RolloutFiles:
    """The files beside a link."""

    link: Path

    @property
    def state(self) -> Path:
        """The file that holds the rollout."""
        return self._beside("rollout.json")

    @property
    def log(self) -> Path:
        """The file to which each change of stage is appended as one JSON line."""
        return self._beside("rollout-log.jsonl")

    def read(self) -> Rollout | None:
        """Returns the rollout; None if there is none.

        Raises:
            RolloutError: The file cannot be read as a rollout.
        """
        data = read_state(self.state)
        return parse_rollout(data, self.state) if data else None

    def candidate_of(self, rollout: Rollout) -> Path:
        """Returns the directory of the candidate."""
        return self.link.parent / rollout.candidate

    def write(self, rollout: Rollout) -> None:
        """Replaces the rollout in one step."""
        new = self._beside(f"rollout.json.new-{os.getpid()}")
        with new.open("w", encoding="utf-8") as file:
            file.write(rollout.as_json())
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.state)
        directory = os.open(self.state.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def record(self, rollout: Rollout, figures: Mapping[str, object]) -> None:
        """Appends the change to a stage to the log, unless it is there already.

        A line that a killed command left unfinished is ended first.
        """
        line = {
            "time": rollout.changed,
            "rollout_id": rollout.id,
            "stage": rollout.stage,
            "reason": rollout.reason,
            "active_version": rollout.active_version,
            "candidate_version": rollout.candidate_version,
            "figures": figures,
        }
        with self.log.open("a+b") as file:
            file.seek(0)
            data = file.read()
            if any(_is_change_to(rollout, text) for text in data.splitlines()):
                return
            start = b"" if not data or data.endswith(b"\n") else b"\n"
            file.write(start + json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other commands from changing the rollout until the block ends.

        The lock ends with the process, so a killed command leaves none behind.

        Raises:
            RolloutBusyError: Another command is at work.
        """
        with self._beside("rollout.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RolloutBusyError(
                    f"another command changes the rollout of {self.link}; try again"
                ) from error
            yield

    def _beside(self, suffix: str) -> Path:
        return self.link.with_name(f"{self.link.name}.{suffix}")


def read_state(path: Path) -> bytes:
    """Returns the content of a rollout's file; empty if it is missing."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_change_to(rollout: Rollout, text: bytes) -> bool:
    try:
        line = json.loads(text)
    except ValueError:
        return False  # a line that a killed command left unfinished
    return (
        isinstance(line, dict)
        and line.get("rollout_id") == rollout.id
        and line.get("stage") == rollout.stage
    )
