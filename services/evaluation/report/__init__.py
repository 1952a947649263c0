"""Reports: values per query -> estimates -> a document -> terminal, Markdown or HTML.

- document: settings, tables and a note; as Markdown, HTML and tables for the terminal.
- estimates: means and savings with bootstrap intervals.
"""
