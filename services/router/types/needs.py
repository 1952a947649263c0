"""The capabilities that a model needs for a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.types.messages import MediaKind, Role
from services.router.types.options import Capability, ToolChoiceMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.router.types.messages import Message
    from services.router.types.options import GenerationOptions

_OF_MEDIA = {
    MediaKind.IMAGE: Capability.IMAGES,
    MediaKind.AUDIO: Capability.AUDIO,
    MediaKind.FILE: Capability.FILES,
}


def needed_capabilities(
    messages: Sequence[Message], options: GenerationOptions
) -> frozenset[Capability]:
    """Returns the capabilities without which a model cannot answer.

    JSON formats and reasoning are none of them: answers are checked whoever wrote them, and a model
    that does not reason answers all the same.
    """
    needs = {_OF_MEDIA[media.kind] for message in messages for media in message.media}
    choice = options.tool_choice
    may_call = bool(options.tools) and (choice is None or choice.mode is not ToolChoiceMode.NONE)
    if may_call or any(message.role is Role.TOOL for message in messages):
        needs.add(Capability.TOOLS)
    if may_call and options.parallel_tool_calls:
        needs.add(Capability.PARALLEL_TOOLS)
    if options.top_log_probabilities is not None:
        needs.add(Capability.LOG_PROBABILITIES)
    return frozenset(needs)


def in_order(capabilities: Iterable[Capability]) -> tuple[Capability, ...]:
    """Returns capabilities in the order of the contract."""
    given = set(capabilities)
    return tuple(capability for capability in Capability if capability in given)
