"""The gateway: the APIs that everyone speaks over HTTP, in front of the router.

A room imports only rooms below it:

api: The interface of an API: its requests, its replies and its errors.
"""
