"""Anthropic's Messages API.

messages_api: POST /v1/messages, put together from the rest.
messages_request: The request -> a request to the router.
content: Messages and their blocks -> messages of the contract.
messages_tools: Tools and the choice among them.
message: The message object.
messages_events: Events of the router -> the events of a streamed message.
messages_errors: Errors in the form of Anthropic's APIs.
"""
