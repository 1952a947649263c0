"""Evaluation: artifacts and methods, measured on records.

evaluate: an artifact on records, beside simple baselines.
pools: the pools that methods are compared on, read from TOML.
dataset: a pool's queries and labels.
features: the features that all methods read. Needs torch.
methods: the methods that are compared. Needs torch.
harness: methods x pools x seeds.
runs: predictions of a fitted method, kept on disk.
workers: runs, fitted in several processes.
source_code: the code that a run depends on.
figures: the figures of every method on a test, with intervals.
curves: the curves that a report draws.
results: the results of a comparison, written and read.
result_tables: tables of results, for a terminal.
quality_page: the page of a comparison, as Markdown.
quality_tables: its tables and findings.
"""
