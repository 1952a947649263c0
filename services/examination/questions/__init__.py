"""Questions that mark themselves: made from a seed, in 15 kinds, 5 levels and 4 languages.

``kind, level, language, seed -> Question(prompt, checker) -> reply of a model -> Verdict``

A room imports only rooms below it:

question_command: `questions`, the command that shows questions.
generation: Makes a stream of different questions from a seed.
kinds: The kinds by name.
own_questions: Reads a user's own questions.
calculation/: Arithmetic, word problems, algebra, dates and units.
code/: The output of programs, and their repair.
structures/: Tables, extraction to JSON, tool calls, logic puzzles.
texts/: Strings and lists, reading, long texts, translation, instructions.
question: A question, and the draft that a generator makes.
vocabulary: Names and words in four languages.
checkers/: Mark a reply.
"""
