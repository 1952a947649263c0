"""The judge: corrects the scorer's ranking from what the models said, without calling any model."""
