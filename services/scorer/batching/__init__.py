"""Batching: runs the queries of many callers together, and sheds load that would wait too long.

batcher: The queue, and the worker thread that runs batches.
batch_limits: The limits of batches and of their queue.
batch_selection: Selects the queries of the next batch.
load_shedding: Estimates waits, and builds the errors of queries that would wait too long.
"""
