"""Reports: values per query -> estimates -> a document -> terminal, Markdown or HTML.

- document: settings, tables and a note; as Markdown and as tables for the terminal.
- estimates: means and savings with bootstrap intervals.
- page: a document as one HTML file.
"""
