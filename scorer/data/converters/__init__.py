"""Converters: other formats -> routing records, one module per source.

Each converter takes the sources' paths and yields the valid records. At the end it raises one error
with every problem, file and line in front, so that a caller that writes records as they come throws the
file away.

formats: the formats, and which of them a file has.
conversion: sources as validated records, with one error at the end.
notes: the choices, omissions and contradictions of a conversion.
rows: rows with the same query, joined.
prompt_text: the text of a prompt that the router would rank.
scores: cells of any kind -> numbers in [0, 1].
tables: CSV and JSON in the forms in which people keep scores.
tools: exports and logs of tools that score models.
routerbench_csv: CSV files in the form of RouterBench.
eval_harness: sample logs of the lm-evaluation-harness.
eval_harness_log: one sample log, read.
decisions: decision records of the router.
decision_line: one decision record, read.
"""
