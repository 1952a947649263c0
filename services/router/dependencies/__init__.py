"""Dependencies: the scorer and the judge, behind breakers, with substitutes while they are down.

remote: Calls one dependency.
priors: Prior scores of responses, of the pool file and of estimates.
scorer_client: Prior scores from the scorer.
judge_client: Assessments.
"""
