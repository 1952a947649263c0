"""Counterfactual replay of decision records: `routemoa replay`.

records -> the recorded and the other choice per record -> summary with intervals -> report

It calls no model: outcomes are known only for models that the router ran.

- counterfactual: one record under another policy.
- decision_source: reads records from files or a database.
- decision_summary: shares and means over all records.
- decision_tables: the report's tables and picture.
- policy_overrides: the policy of a record, with some values replaced.
- replay_command: the command and its options.
- rescoring: the scores of another artifact.
"""
