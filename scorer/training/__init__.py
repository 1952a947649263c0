"""Training: routing records -> a checkpoint. Needs torch.

train: runs a recipe.
recipe: the settings of a training run, read from TOML.
sources: the records of a recipe, split into training and held-out ones.
embedding: a frozen encoder that embeds texts.
embedding_cache: embeddings of texts, kept on disk.
answers: the answer scorer, from records with answers.
mixture: the learner; everything between features and scores.
neighbours: the nearest training queries, to compare a scorer with.
cross_validation: the benefit of a scorer, on records that it has not learned from.
record_checks: refuses records that nothing can be learned from.
calibrate: maps from raw logits to probabilities.
model: the whole scorer as one torch module, as it is exported.
checkpoint: the directory that training writes and export reads.
"""
