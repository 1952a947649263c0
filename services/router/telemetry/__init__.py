"""Telemetry of answers and of calls to models.

layer_stage: The span of a layer.
model_metrics: Prometheus metrics of calls to models.
call_log: A log line for a failed call to a model.
"""
