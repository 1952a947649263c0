"""Dependencies: the scorer and the judge, behind breakers, with substitutes while they are down.

remote: Calls one dependency.
scorer_client: Prior scores.
judge_client: Assessments.
"""
