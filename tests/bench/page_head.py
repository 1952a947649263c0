"""The head of a benchmark's page: a title and paragraphs, wrapped as all documents are."""

import textwrap

WIDTH = 100


def page_head(title: str, *paragraphs: str) -> str:
    """Returns a title and paragraphs as Markdown; a paragraph's own line breaks do not matter."""
    wrapped = (
        textwrap.fill(" ".join(each.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
        for each in paragraphs
    )
    return "\n\n".join((f"# {title}", *wrapped)) + "\n\n"
