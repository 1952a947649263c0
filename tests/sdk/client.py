"""The clients: an SDK, the API that it speaks, and the program that drives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRIVERS = Path(__file__).parent / "drivers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An SDK that speaks one API."""

    name: str
    """Its name in the table."""
    api: str
    environment: str
    """The folder of its installation, in that of all SDKs."""
    program: tuple[str, ...]
    """Its driver, after the interpreter."""
    interpreter: str = "bin/python"
    """In the folder of its installation."""

    def command(self, environments: Path) -> tuple[str, ...]:
        """Returns the command that runs the driver.

        Args:
            environments: The folder of all installations.
        """
        folder = environments / self.environment
        return (str(folder / self.interpreter), *self.program)

    def is_installed(self, environments: Path) -> bool:
        """True if the SDK is installed."""
        return (environments / self.environment / "sdk.done").exists()


_OPENAI = str(DRIVERS / "openai_python.py")
CLIENTS = (
    Client(
        name="openai-python, chat",
        api="chat",
        environment="openai-python",
        program=(_OPENAI, "chat"),
    ),
    Client(
        name="openai-python, responses",
        api="responses",
        environment="openai-python",
        program=(_OPENAI, "responses"),
    ),
    Client(
        name="anthropic-python",
        api="messages",
        environment="anthropic-python",
        program=(str(DRIVERS / "anthropic_python.py"),),
    ),
)
