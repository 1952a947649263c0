"""The judge: corrects the scorer's ranking with the models' own scores and answers; it calls no model.

__main__: Command that runs the judge.
app: Builds the service.
servicer: Answers JudgeService.
assessment: Self-scores and grades of the models.
answer_scorer: Scores the texts of answers, and reloads its artifact.
records: What is known of the models' words, and its reloads.
belief: The probability that an answer is right, from all that is said of it.
config: Settings.
"""
