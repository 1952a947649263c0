"""Backends: a call to a model -> attempts over HTTP -> pieces of the reply.

call: A call to a model and its attempts.
attempt_span: The span of an attempt.
call_failure: Failures of calls: whatever is raised ends one call with a status.
collected: Collects the pieces of a reply.
billing: The tokens and dollars to book for an attempt.
generator: The interface of whatever runs a call.
client: Runs one attempt over HTTP.
replicas/: Picks replicas; retries, hedges and resumes attempts.
dialects/: Requests and replies of each kind of backend.
http/: Reads the bytes of a reply.
"""
