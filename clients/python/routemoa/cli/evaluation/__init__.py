"""Measures the running system on recorded answers, beside what simpler choices would have scored.

``folder -> ReplayPool (replay_pool) -> pool file + services + queries (replay) -> Outcome per query
(outcome) -> lines beside the baselines (lines) -> estimates (bootstrap) -> Report (report)``
"""
