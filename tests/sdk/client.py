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
    """The command of its driver; `{folder}` stands for the installation."""

    def command(self, environments: Path) -> tuple[str, ...]:
        """Returns the command that runs the driver.

        Args:
            environments: The folder of all installations.
        """
        folder = str((environments / self.environment).absolute())
        return tuple(word.replace("{folder}", folder) for word in self.program)

    def is_installed(self, environments: Path) -> bool:
        """True if the SDK is installed."""
        return (environments / self.environment / "sdk.done").exists()


def _python(driver: str, *arguments: str) -> tuple[str, ...]:
    return ("{folder}/bin/python", str(DRIVERS / driver), *arguments)


def _node(driver: str, *arguments: str) -> tuple[str, ...]:
    return ("node", str(DRIVERS / driver), "{folder}", *arguments)


CLIENTS = (
    Client(
        name="OpenAI Python, chat",
        api="chat",
        environment="openai-python",
        program=_python("openai_python.py", "chat"),
    ),
    Client(
        name="OpenAI Python, responses",
        api="responses",
        environment="openai-python",
        program=_python("openai_python.py", "responses"),
    ),
    Client(
        name="OpenAI Node, chat",
        api="chat",
        environment="openai-node",
        program=_node("openai_node.mjs", "chat"),
    ),
    Client(
        name="OpenAI Node, responses",
        api="responses",
        environment="openai-node",
        program=_node("openai_node.mjs", "responses"),
    ),
    Client(
        name="Anthropic Python",
        api="messages",
        environment="anthropic-python",
        program=_python("anthropic_python.py"),
    ),
    Client(
        name="Anthropic Node",
        api="messages",
        environment="anthropic-node",
        program=_node("anthropic_node.mjs"),
    ),
)
