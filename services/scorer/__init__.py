"""The scorer service: batches the queries of many callers and ranks models for each."""
