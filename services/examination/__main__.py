"""`python -m services.examination questions`: shows questions with their answers."""

from __future__ import annotations

import sys

from services.examination.questions.question_command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
