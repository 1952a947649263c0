"""Decision records: one record per answer of what the router knew and decided, and the feedback on it.

run -> record (build, pure) -> bounded buffer -> sink (standard output, files or PostgreSQL)

Writing never delays an answer. A record that finds the buffer full is dropped and counted.

recorder: Records each answer at its end.
build: Builds the record of a run.
feedback_record: The schema of feedback on a decision.
redaction: Queries, options and answers as a record holds them.
record: The schema of a record.
decision_ids: Ids that prove their time and their tenant.
record_store: Opens the buffers and their sinks.
buffer: A bounded buffer in front of the sink.
sinks: The interface of a sink, and standard output.
files: The sink that writes files.
postgres: The sink that writes to PostgreSQL.
tables: The tables in PostgreSQL.
config: The settings of decision records.
metrics: Prometheus metrics of decision records.
"""
