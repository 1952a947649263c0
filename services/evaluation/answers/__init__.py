"""Replay of recorded answers through the real services: `routemoa eval`.

``folder -> RecordedPool -> pool file + services + queries -> QueryResult per query -> Methods
-> AnswerReport``

- answer_replay: asks the services the recorded queries.
- answer_report: estimates over all queries, for the router and for simpler methods.
- answer_tables: the report's two tables.
- eval_command: the command and its options.
- methods: the router and the baselines, each as scores, costs and latencies per query.
- pacing: the writing speed of the replayed models.
- pool_file: the pool file that the router reads.
- prices: list prices, for recordings without costs.
- query_result: the router's answer to one query, with its recorded score.
- recorded_pool: the recorded queries and answers of a folder.
"""
