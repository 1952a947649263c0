"""The gateway: the APIs that everyone speaks over HTTP, in front of the router.

A room imports only rooms below it:

responses: OpenAI's Responses API.
messages: Anthropic's Messages API.
requests: What the APIs share for requests.
replies: What the APIs share for replies.
api: The interface of an API: its requests, its replies and its errors.
"""
