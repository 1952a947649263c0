"""Prompts: the texts that models read, and how their replies are parsed. Pure.

prompts: Builds the messages of every kind of call, with the marks of the protocol.
replies: Parses a reply: its answer, self-score and grades.
context_window: Cuts the references of a prompt to a model's context window.
"""
