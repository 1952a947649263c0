"""Budgets: limits per tenant and window, and limits per answer.

tenants file -> `Tenant` -> one `Account` per answer -> `reserve` the worst case before calls, `settle`
the amount used after each. A `BudgetStore` keeps the tenants' counts: in memory, or in Redis if several
routers share them.

tenants: Reads the tenants file.
accounts: Identifies the tenant of a call and opens the account of its answer.
account: Reserves and settles for one answer.
reservation: The interface for reserving; what callers of models see of budgets.
store: The interface of a store of counts.
memory_store: Counts in memory.
redis_store: Counts in Redis.
redis_url: The forms of Redis's URL.
redis_connection: Connections to Redis, replaced after a failure.
settler: Sends settlements to Redis until each is counted.
config: The settings of budgets.
metrics: Prometheus metrics of budgets.
__main__: Prints each tenant's counts in Redis.
"""
