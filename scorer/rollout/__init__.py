"""Rollouts: a candidate artifact beside the active one, and the files that say so.

A rollout is a small file beside the link that scorers follow. Commands write it, scorers read it.

- rollout: a rollout, its stages and its settings.
- rollout_files: the rollout's file, its log and its lock, beside the link.
- assignment: the arm that a conversation is on.
- stages: starts, advances, promotes and stops a rollout.
"""
