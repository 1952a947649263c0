"""The services of RouteMoA, and the programs around them. Nothing here imports torch.

- answer_key: the final answer of a reply, in a form that can be compared.
- evaluation: measures routing on recordings.
- health_probe: asks a service for its health, for containers.
- judge: corrects scores by what the models said.
- local: all services on one machine.
- router: answers queries with a few models of a pool.
- rpc: the gRPC server that all services share.
- scorer: ranks models for a query before any of them runs.
- simulator: a simulated backend for models.
"""
