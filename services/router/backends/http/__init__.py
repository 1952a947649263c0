"""HTTP replies: bytes -> events -> text, whatever the dialect.

exchange: One attempt: the request and the state of its reply.
usage: The usage that a backend reports.
decoders: Bytes -> lines, or server-sent events.
reader: Events -> text, within bounds; separates reasoning from the answer.
attempt_failure: Failures of an attempt, and their statuses.
"""
