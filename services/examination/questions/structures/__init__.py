"""Questions about structures.

- tables: values and sums of a table.
- extraction: the facts of a note, as JSON under a schema.
- tool_calls: the right calls of tools.
- tool_requests: the tools, and requests for them.
- logic_puzzles: the order of people in a row.
"""
