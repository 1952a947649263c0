"""Values: small values under a key, kept for minutes, in memory or shared by several routers.

values: The interface of a store of values, and the store that the settings name.
memory_values: Values in memory, bounded and expiring.
redis_values: Values in Redis, which no call ever waits long for.
metrics: Prometheus metrics of the stores.
"""
