"""Shared by the APIs: parts of replies.

answer_blocks: The pieces of an answer -> blocks, one after the other.
token_usage: The tokens of a call.
sse: Server-sent events.
void_answer: The end of a stream whose text turned out void.
"""
