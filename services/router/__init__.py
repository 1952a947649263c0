"""The router service: runs the best few models of a pool in layers and streams the answer.

A room imports only rooms below it. A request passes through the modules from the top:

__main__: The command that runs the router.
app: Builds the service.
servicer: Answers RouterService.
file_watcher: Reloads pool, tenants and TLS files that change.
config: The settings.
former_settings: Former names of settings.
tuning: Constants that tests change.
contract/: Messages of the contract -> checked values, and back.
feedback/: Takes in the callers' word on answers.
decision_records/: Records what was known and decided of each answer.
repeats/: Answers a repeated call by the call before it.
pipeline: A query -> the events of its answer.
strategies/: Decide which models are called, and when to stop.
engine/: Runs layers, aggregation and the final answer.
dependencies/: The scorer and the judge, with their substitutes.
check/: Checks the endpoints of a pool file.
backends/: Calls models.
sessions/: Remembers which model a conversation is with.
values/: Small values kept for minutes, in memory or in Redis.
budgets/: Limits of tenants and of answers.
prompts/: The texts that models read, and what is read from their replies.
pool/: The models of the pool file.
model_priors/: What names and prices say of models. Pure.
routing/: Ranks and selects models. Pure.
types/: The values that every room uses. Pure.
"""
