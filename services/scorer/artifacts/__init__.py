"""Artifacts: opens those that the scorer serves, and reloads them when their files change.

artifacts: The artifacts by name.
open_runtime: Opens the runtime of an artifact, and checks its models and scores.
low_priority_thread: Runs a long function at low priority.
"""
