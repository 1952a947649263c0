"""Questions whose answer is calculated.

- arithmetic: terms of whole numbers.
- word_problems: stories of buying and giving.
- algebra: equations, and systems of them.
- dates: dates and durations.
"""
