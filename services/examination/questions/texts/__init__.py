"""Questions about texts.

- string_work: lists of words that are changed step by step.
- reading: facts of a text, also those that it does not state.
- needles: numbers in a long text.
- translation: sentences with facts, into another language.
- instructions: texts that follow instructions.
"""
