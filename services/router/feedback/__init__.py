"""Feedback: takes in the callers' word on answers, for the decision records.

intake: Checks feedback, and puts it into its buffer.
evidence: One piece of feedback. Pure.
tenant_rate: The most feedback that a tenant may send.
metrics: Prometheus metrics of feedback.
"""
