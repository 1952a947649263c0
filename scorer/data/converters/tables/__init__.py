"""Tables: CSV, TSV and JSON in the forms in which people keep scores.

Wide tables have one column per model, long ones one row per query and model.

table: files of rows -> routing records.
columns: the meaning of each column, guessed or told.
delimited: rows of CSV and its relatives.
json_rows: rows of JSON arrays and JSON lines.
"""
