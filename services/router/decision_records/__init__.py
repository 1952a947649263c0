"""Decision records: what the router knew and did for one answer, written down for later.

run -> record (composition, pure) -> bounded buffer (log) -> sink (stdout, files or Postgres)

Writing never delays an answer. What a full buffer cannot take is dropped and counted.
"""
