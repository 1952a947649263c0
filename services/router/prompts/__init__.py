"""Prompts: the texts that models read, and how their replies are parsed. Pure.

prompts: Builds the messages of every kind of call, with the marks of the protocol.
replies: Parses a reply: its answer, self-score and grades.
json_prompt: Asks for JSON in words.
reference_text: The text that other models read of an answer.
marks: Finds the marks of a call in its reply.
assessments: Reads the scores after a mark, however they are written.
litter: Removes the markup around an assessment, and assessments without the nonce.
answer_filter: Removes the marks from an answer, also while it streams.
shown_labels: Finds labels and marks of references in an answer.
context_window: Cuts the references of a prompt to a model's context window.
"""
