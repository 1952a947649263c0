"""What people have -> routing records; one file per source.

Each converter takes the sources' paths and yields the records that are good. At the end it raises
one error with every problem, file and line in front, so that a caller that writes records as they
come throws the file away.
"""
