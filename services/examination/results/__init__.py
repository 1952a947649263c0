"""Results of an examination: profiles of models, what is odd about them, a report, scorer records.

``answers -> Profile + findings -> document; Profile -> routing records -> add-models of the scorer``

report: The report: tables and a page.
picture: Pictures, as HTML.
findings: Sentences that a person should read.
oddities: Models that answer nothing, refuse, guess or change.
pairs: Models that are the same, or never worth their price.
scorer_records: Routing records for the scorer.
profile: The success of each model by kind, and its price.
"""
