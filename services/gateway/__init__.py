"""The gateway: the APIs that everyone speaks over HTTP, in front of the router.

A room imports only rooms below it:

responses: OpenAI's Responses API.
messages: Anthropic's Messages API.
requests: Shared by the APIs: the reading of requests.
replies: Shared by the APIs: parts of replies.
api: The interface of an API: its requests, its replies and its errors.
"""
