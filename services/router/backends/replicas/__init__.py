"""Replicas: picks one for each attempt, and recovers from failures.

pool file -> endpoints -> discovery -> ReplicaSet -> Dispatcher -> AttemptStream -> pieces

replicas: The replica sets of all models.
replica_set: The replicas of one model: load balancing, and what they share.
replica: The state of one replica.
dispatcher: First attempt, retries, hedge and resumption of one call.
attempt_stream: One attempt under way.
hedge: Starts a second attempt beside a slow one.
retry: Failures that are retried, and the back-off.
retry_budget: Bounds extra attempts to a share of the calls.
resume: Continues a broken reply on another replica.
ejection: Ejects replicas that keep failing.
first_token_latency: Times to first token.
config: Settings, and constants that tests change.
metrics: Prometheus metrics.
discovery/: Finds the addresses of replicas.
"""
