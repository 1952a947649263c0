"""Budgets: what a tenant may spend per minute, hour and day, and what one answer may spend.

tenants file -> `Tenant` -> one `Account` per answer -> `reserve` the worst case before every fan-out,
`settle` what was used after. A `BudgetStore` keeps the tenants' counts: in memory, or in Redis where
several routers share them.
"""
