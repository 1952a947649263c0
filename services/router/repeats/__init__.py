"""Repeats: a call that is repeated under the same request id joins the first one, or gets its result.

call -> request id -> running: joins it
                   -> ended well in the last ten minutes: the kept responses
                   -> else: runs

request_identity: Identifies a request of a tenant by its request id.
repeats: The calls with a request id that run or have ended.
shared_call: A call that several callers wait for.
kept_responses: The responses of a call as bytes.
metrics: Prometheus metrics of repeated calls.
"""
