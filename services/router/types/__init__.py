"""Types: the values that every room of the router uses. Pure.

amounts: Calls, tokens and dollars, and limits on them.
conversation: The messages of a call, and the query that they ask.
deadline: A point in time, and a timeout for many short waits.
id_order: The alphabetical order of ids.
inbox: A queue for one reader.
json_schema: Compiles and caches JSON schemas; the problems of a value.
json_text: Reads JSON strictly.
ledger: One entry for every attempt at a call to a model.
messages: A message: text, media, calls to tools and their results.
model_labels: The label of a model in metrics.
options: The caller's wishes for the answer: sampling, its form, and tools.
pieces: The pieces in which a reply comes.
schema_graph: Bounds the work of checking a value against a schema.
tokens: Counts the tokens of a text.
"""
