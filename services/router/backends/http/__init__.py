"""HTTP replies: bytes -> events -> text, whatever the dialect.

connection: Connections, with limits on what surrounds a body.
proxy: The proxies between the router and its backends.
body: Reads a body in small pieces.
exchange: One attempt: the request and the state of its reply.
decoders: Bytes -> lines, or server-sent events.
reader: Events -> text, within bounds; separates reasoning from the answer.
attempt_failure: Failures of an attempt, and their statuses.
"""
