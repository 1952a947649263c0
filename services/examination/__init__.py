"""Finds out what models can do, by questions that mark themselves.

- questions/: generated questions, their checkers, and questions of the user.
- __main__: `python -m services.examination`.
"""
