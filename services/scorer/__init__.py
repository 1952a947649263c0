"""The scorer service: batches the queries of many callers and ranks models for each."""

import os

# From 1.29 on, the published ONNX Runtime reports to its maker, models' names and sizes included, from
# the moment it is imported. It reads this then, once.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
