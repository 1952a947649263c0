"""Anthropic's Messages API.

api: POST /v1/messages, put together from the rest.
request: The request -> a request to the router.
content: Messages and their blocks -> messages of the contract.
tools: Tools and the choice among them.
message: The message object.
events: Events of the router -> the events of a streamed message.
errors: Errors in the form of Anthropic's APIs.
"""
