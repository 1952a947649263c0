"""Traces: one per answer, through all services, by OpenTelemetry.

export: Sends spans to a collector, if the standard variables name one.
propagation: Reads and writes the headers that carry a trace and a request id.
spans: Starts spans; none while tracing is off.
origin: The call that work is done for: its request id, its span, and facts for its log line.
attributes: The names of spans' attributes.
"""
