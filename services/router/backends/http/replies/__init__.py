"""Replies: the parts of a reply that are more than text. Pure.

tool_calls: Calls to tools, whatever form they come in.
log_probabilities: Log probabilities of tokens.
stop_sequences: Ends a text before a stop sequence.
well_formed: Mends surrogates and NUL in text.
"""
