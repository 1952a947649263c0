"""The commands of ``python -m scorer``, one file each."""
