"""The scorer service: batches the queries of many callers and ranks models for each.

__main__: Command that runs the scorer.
app: Builds the service.
servicer: Answers ScorerService.
scoring: Scores texts with one artifact.
artifacts/: Opens and reloads the artifacts.
batching/: Runs the queries of many callers together.
rollout/: Ranks queries with the active artifact and a candidate.
cache: Caches scores, and shares the scoring of equal queries.
outcome: The outcome of one query.
ranking: Sorts models by score and selects teams.
responses: Writes a ranking into a response.
streams: Chunks and maps the requests of a stream.
shadow: Compares the default artifact with another one.
config: Settings.
metrics: Prometheus metrics.
"""
