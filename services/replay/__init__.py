"""What another policy, strategy or scorer would have chosen for the queries of decision records.

records (source) -> recorded and other choice per query (counterfactual) -> figures with intervals
(summary) -> Markdown or a page

It calls no model, so it can only judge what was tried: the outcomes are those that were recorded.
"""
