"""Artifacts: opens those that the scorer serves, and reloads them when their files change.

artifacts: The artifacts by name.
opener: Opens artifacts for queries, and closes them.
open_runtime: Opens the runtime of an artifact, and checks its models and scores.
precision_choice: Measures in which precision an artifact is fastest here.
low_priority_thread: Runs a long function at low priority.
"""
