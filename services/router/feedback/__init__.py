"""Feedback: takes in what callers say of answers, for the decision records.

intake: Checks feedback, and puts it into its buffer.
evidence: What one piece of feedback says. Pure.
tenant_rate: The most feedback that a tenant may send.
metrics: Prometheus metrics of feedback.
"""
