"""Messages of the contract, made from and compared as proto3 JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from routemoa.v1 import judge_service_pb2, router_service_pb2, scorer_service_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from tests.conformance.case import Json

SERVICES = {
    service.name: service
    for module in (scorer_service_pb2, router_service_pb2, judge_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
}
METHODS: dict[str, MethodDescriptor] = {
    method.name: method for service in SERVICES.values() for method in service.methods
}


def request_message(method: str, content: Json) -> Message:
    """Returns a request of a method."""
    return _message(METHODS[method].input_type, content)


def response_message(method: str, content: Json) -> Message:
    """Returns a response of a method, with the unknown fields that `$unknown` holds."""
    return _message(METHODS[method].output_type, content)


def _message(descriptor: Any, content: Json) -> Message:
    known = {key: value for key, value in content.items() if key != "$unknown"}
    message = ParseDict(known, GetMessageClass(descriptor)())
    message.MergeFromString(bytes.fromhex(content.get("$unknown", "")))
    return message
