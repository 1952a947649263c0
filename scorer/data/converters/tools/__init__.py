"""Tools: exports and logs of tools that score models.

langfuse: exports of Langfuse.
langfuse_export: one export of Langfuse, read.
promptfoo: results of promptfoo.
openai_evals: event logs of OpenAI's evals.
helm: run folders of HELM.
inspect_logs: logs of Inspect.
inspect_archive: one archive of a log, read.
"""
