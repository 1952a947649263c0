"""Sessions: remembers which model a conversation is with, and what the backends' caches hold of it.

A conversation is found by the caller's session id, or else by its beginning: all messages before the
newest answer.

sessions: Recalls a conversation before its answer, and remembers it afterwards.
conversation_keys: The keys that a conversation is found by.
session_state: The state of a conversation between two calls.
cache_shares: Learns what backends read from their caches and write to them.
"""
