"""The gRPC services of RouteMoA, the simulated pool and their tools. Nothing here imports torch.

router/: Ranks models for a query, runs the best together and streams one answer.
scorer/: Predicts which models answer a query well.
judge/: Corrects the ranking with the models' own scores.
gateway/: Serves the APIs that everyone speaks over HTTP.
simulator/: A simulated pool of models.
evaluation/: Measures routing on recorded answers and decisions.
examination/: Questions that mark themselves.
local/: Runs all services on one machine, for development.
rpc/: The parts of a gRPC service that every service needs.
answer_key: Finds the final answer in a reply.
health_probe: Command that checks the health of a service.
"""

VERSION = "0.1.0"
"""Of the package; images have no metadata of it."""
