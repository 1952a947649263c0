"""The scorer service beside other servers of models."""
