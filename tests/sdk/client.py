"""The clients: an SDK or a framework, the API that it speaks, and the program that drives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sdk.case import Case

ROOT = Path(__file__).parents[2]
DRIVERS = Path(__file__).parent / "drivers"
FRAMEWORKS = Path(__file__).parent / "frameworks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An SDK or a framework that speaks one API."""

    name: str
    """Its name in the table."""
    api: str
    environment: str
    """The folder of its installation, in that of all SDKs."""
    program: tuple[str, ...]
    """The command of its driver; `{folder}` stands for the installation."""
    does: frozenset[str] = frozenset()
    """The abilities of a framework, in the words of the cases; empty for an SDK."""
    errors: frozenset[str] | None = None
    """The classes of a framework's errors; None for an SDK, whose cases name them."""

    def runs(self, case: Case) -> bool:
        """True if a case applies to it."""
        if case.framework != bool(self.does) or self.api not in case.apis:
            return False
        return case.does is None or case.does in self.does

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


_ALL = frozenset({"answers", "leaves", "tools", "json", "schema-by-tool"})
_VERCEL_DOES = _ALL - {"schema-by-tool"}
_VERCEL_ERRORS = "AI_APICallError Object String"
"""A failure in mid-stream comes as the gateway's object, or as its text."""
_OPENAI_ERRORS = "APIError AuthenticationError BadRequestError InternalServerError NotFoundError"
_LANGCHAIN_ERRORS = (
    "APIError OpenAIAPIError OpenAIAuthenticationError OpenAIInvalidRequestError"
    " OpenAIModelNotFoundError"
)
"""A failure in mid-stream comes in the class of the SDK that LangChain calls."""
_LANGCHAIN_ANTHROPIC_ERRORS = (
    "APIStatusError AnthropicAPIError AnthropicAuthenticationError AnthropicInvalidRequestError"
    " AnthropicModelNotFoundError AnthropicOverloadedError"
)
_PYDANTIC_AI_ERRORS = (
    "ModelAuthenticationError ModelNotFoundError ModelOverloadedError ModelRequestRejectedError"
    " ModelServerError"
)


def _python(program: Path, *arguments: str) -> tuple[str, ...]:
    return ("{folder}/bin/python", str(program), *arguments)


def _node(program: Path, *arguments: str) -> tuple[str, ...]:
    return ("node", str(program), "{folder}", *arguments)


def _framework(
    name: str,
    api: str,
    environment: str,
    program: tuple[str, ...],
    *,
    errors: str,
    does: frozenset[str] = _ALL,
) -> Client:
    return Client(
        name=name,
        api=api,
        environment=environment,
        program=program,
        does=does,
        errors=frozenset(errors.split()),
    )


_LANGCHAIN = FRAMEWORKS / "drive_langchain.py"
_PYDANTIC_AI = FRAMEWORKS / "drive_pydantic_ai.py"
_VERCEL = FRAMEWORKS / "drive_vercel.mjs"

SDKS = (
    Client(
        name="OpenAI Python, chat",
        api="chat",
        environment="openai-python",
        program=_python(DRIVERS / "openai_python.py", "chat"),
    ),
    Client(
        name="OpenAI Python, responses",
        api="responses",
        environment="openai-python",
        program=_python(DRIVERS / "openai_python.py", "responses"),
    ),
    Client(
        name="OpenAI Node, chat",
        api="chat",
        environment="openai-node",
        program=_node(DRIVERS / "openai_node.mjs", "chat"),
    ),
    Client(
        name="OpenAI Node, responses",
        api="responses",
        environment="openai-node",
        program=_node(DRIVERS / "openai_node.mjs", "responses"),
    ),
    Client(
        name="OpenAI Go, chat",
        api="chat",
        environment="openai-go",
        program=("{folder}/driver", "chat"),
    ),
    Client(
        name="OpenAI Go, responses",
        api="responses",
        environment="openai-go",
        program=("{folder}/driver", "responses"),
    ),
    Client(
        name="Anthropic Python",
        api="messages",
        environment="anthropic-python",
        program=_python(DRIVERS / "anthropic_python.py"),
    ),
    Client(
        name="Anthropic Node",
        api="messages",
        environment="anthropic-node",
        program=_node(DRIVERS / "anthropic_node.mjs"),
    ),
)
FRAMEWORK_CLIENTS = (
    _framework(
        "LangChain, chat",
        "chat",
        "langchain-python",
        _python(_LANGCHAIN, "chat"),
        errors=_LANGCHAIN_ERRORS,
    ),
    _framework(
        "LangChain, responses",
        "responses",
        "langchain-python",
        _python(_LANGCHAIN, "responses"),
        errors=_LANGCHAIN_ERRORS,
    ),
    _framework(
        "LangChain, messages",
        "messages",
        "langchain-python",
        _python(_LANGCHAIN, "messages"),
        errors=_LANGCHAIN_ANTHROPIC_ERRORS,
    ),
    _framework(
        "LlamaIndex",
        "chat",
        "llamaindex-python",
        _python(FRAMEWORKS / "drive_llamaindex.py"),
        does=_ALL - {"leaves"},  # it keeps the connection of a stream that was left
        errors=_OPENAI_ERRORS,
    ),
    _framework(
        "Pydantic AI, chat",
        "chat",
        "pydantic-ai-python",
        _python(_PYDANTIC_AI, "chat"),
        does=_ALL | {"asks-again"},
        errors=_PYDANTIC_AI_ERRORS,
    ),
    _framework(
        "Pydantic AI, responses",
        "responses",
        "pydantic-ai-python",
        _python(_PYDANTIC_AI, "responses"),
        does=_ALL | {"asks-again"},
        errors=_PYDANTIC_AI_ERRORS,
    ),
    _framework(
        "Instructor",
        "chat",
        "instructor-python",
        _python(FRAMEWORKS / "drive_instructor.py"),
        does=frozenset({"json", "schema-by-tool", "asks-again"}),
        errors="InstructorRetryException",
    ),
    _framework(
        "Vercel AI, chat",
        "chat",
        "vercel-node",
        _node(_VERCEL, "chat"),
        does=_VERCEL_DOES,
        errors=_VERCEL_ERRORS,
    ),
    _framework(
        "Vercel AI, responses",
        "responses",
        "vercel-node",
        _node(_VERCEL, "responses"),
        does=_VERCEL_DOES,
        errors=_VERCEL_ERRORS,
    ),
    _framework(
        "Vercel AI, messages",
        "messages",
        "vercel-node",
        _node(_VERCEL, "messages"),
        errors=_VERCEL_ERRORS,
    ),
)
CLIENTS = (*SDKS, *FRAMEWORK_CLIENTS)
