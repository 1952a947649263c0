"""Abilities of simulated models beside text: tools, JSON, images and reasoning.

able_answers: Gives the abilities to a source of texts.
tool_rule: Decides which tools are called, and with what.
sample_value: A JSON schema -> a value that fits.
broken: Replies that are wrong on purpose.
"""
