"""The names of spans' attributes.

Those of `gen_ai.*` are of the semantic conventions for generative AI in their version 1.44.0, of
`http.*`, `rpc.*`, `server.*` and `error.*` of the general ones. `routemoa.*` are RouteMoA's own.
docs/tracing.md describes all of them. None holds text of a prompt or an answer.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

ERROR_TYPE = "error.type"
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
RPC_SYSTEM = "rpc.system.name"
RPC_METHOD = "rpc.method"
RPC_STATUS = "rpc.response.status_code"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
MAX_TOKENS = "gen_ai.request.max_tokens"
FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_MODEL = "gen_ai.response.model"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"

REQUEST_ID = "routemoa.request_id"
TENANT = "routemoa.tenant"
STRATEGY = "routemoa.strategy"
DECISION_ID = "routemoa.decision_id"
STOP_REASON = "routemoa.stop_reason"
COST_USD = "routemoa.cost_usd"
UNCERTAINTY = "routemoa.uncertainty"
LAYER_NUMBER = "routemoa.layer.number"
LAYER_MODELS = "routemoa.layer.models"
ATTEMPT_KIND = "routemoa.attempt.kind"
ATTEMPT_PURPOSE = "routemoa.attempt.purpose"
ATTEMPT_STATUS = "routemoa.attempt.status"
MODEL_ID = "routemoa.model_id"
REPLICA = "routemoa.replica"

FACTS = {
    "tenant": TENANT,
    "strategy": STRATEGY,
    "model": RESPONSE_MODEL,
    "cost_usd": COST_USD,
    "decision_id": DECISION_ID,
    "stop_reason": STOP_REASON,
    "uncertainty": UNCERTAINTY,
}
"""The attribute of each fact about a call."""
