"""The console: the page at `/`, where a person asks and watches the routing.

console_api: The API behind the page: a question -> the router's events as JSON.
event_messages: Writes the events of an answer as server-sent events.
answer_groups: Groups the answers of a layer that agree.
pool_endpoint: Answers requests for the pool.
pool_view: The pool, as the page shows it.
replica_health: Reads the health of replicas from the router's metrics.
page_files: Serves the files in `page/`, with their security headers.
"""
