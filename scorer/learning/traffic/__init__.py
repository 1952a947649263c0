"""The router's decisions and the feedback on them.

files: reads them from files.
database: reads them from PostgreSQL.
traffic: answered queries and what was said of them.
decided: one decision record, as far as it is learned from.
feedback_line: one line of feedback.
"""
