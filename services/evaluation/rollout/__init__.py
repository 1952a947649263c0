"""Rollouts of an artifact: `routemoa rollout`.

decisions + feedback -> observations -> test and guards -> the next stage

It calls no model and no service: the scorers follow the rollout's file.

- observations: makes observations of decisions and feedback.
- observation: one decision of a rollout.
- arm_differences: differences between the arms, without what was foreseeable.
- verdict: the next stage by the observations.
- rollout_tables: the state of a rollout as a table.
- rollout_command: the commands and their options.
"""
