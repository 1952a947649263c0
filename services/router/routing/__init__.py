"""Routing: scores and limits -> ranking, models of a layer, reason to stop. Pure.

ranking: Orders models by utility, and decides when layers stop.
selection: Picks the models of a layer, and gives the reasons.
answer_form: Checks and compares answers by the form that a request asks for.
tool_votes: Votes on calls to tools.
canonical_json: JSON in one form.
finished_answer: Completes an answer at the end of its reply.
model_switch: Decides if a conversation stays with its model.
prompt_caches: Estimates the tokens of a prompt that backends have in their caches.
agreement: Compares answers, and decides if one more call is worthwhile.
next_calls: Decides which models to call next, and which start together.
policy: The weights and limits of a request, and their defaults.
presets: The defaults of strategies, and named sets of policy values.
candidates: Models that may run, with their utilities, and the reasons of decisions about them.
events: The events of an answer, as the caller receives them.
"""
