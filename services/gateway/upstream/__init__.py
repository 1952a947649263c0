"""Upstream: the router, as the gateway calls it.

rpc_failures: Errors of the router -> errors of the APIs.
router_client: Calls the router.
health: Liveness and readiness of the gateway.
router_tls: Reopens the connection to the router when its TLS files change.
"""
