"""Data: routing records, read, written, split, compared and converted.

records: routing records and their label matrices.
record_fields: the fields of one record, checked.
lines: the lines of a text file, and a bounded list of their problems.
text_file: the encoding of a text file.
documents: the files of a tool, and files that are one JSON value.
responses: recorded answers of the models, from the records or a file beside them.
splits: splits and folds, by text and seed.
staging: a file or directory that appears complete or not at all.
overlap: questions that files share.
without_shared: training files without the questions of the tests.
converters: other formats -> routing records.
"""
