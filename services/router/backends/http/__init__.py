"""HTTP replies: bytes -> events -> pieces, whatever the dialect.

connection: Connections, with limits on what surrounds a body.
proxy: The proxies between the router and its backends.
body: Reads a body in small pieces.
exchange: One attempt: the request and the state of its reply.
usage: The usage that a backend reports.
decoders: Bytes -> lines, or server-sent events.
text_frame: The frame of a text event: all of it but the text.
reader: Events -> parts of the reply, and its end.
reply_pieces: Parts of a reply -> pieces, within bounds.
reasoning: Separates reasoning from the answer.
finish_reasons: The words of backends -> the end of a reply.
error_objects: Error objects in any form -> status, kinds and message.
backend_message: A backend's own words -> one safe line.
attempt_failure: Failures of an attempt, and their statuses.
replies/: The parts of a reply that are more than text.
"""
