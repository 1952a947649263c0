"""HTTP replies: bytes -> events -> text, whatever the dialect.

connection: Connections, with limits on what surrounds a body.
proxy: The proxies between the router and its backends.
body: Reads a body in small pieces.
exchange: One attempt: the request and the state of its reply.
usage: The usage that a backend reports.
decoders: Bytes -> lines, or server-sent events.
reader: Events -> text, within bounds.
reasoning: Separates reasoning from the answer.
well_formed: Mends surrogates and NUL in text.
finish_reasons: The words of backends -> the end of a reply.
error_objects: Error objects in any form -> status, kinds and message.
backend_message: A backend's own words -> one safe line.
attempt_failure: Failures of an attempt, and their statuses.
"""
