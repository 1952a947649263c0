"""Sections of pictures and text -> a directory with one page of HTML and a file per picture."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.progress import track
from scorer.reports.style import write_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

PAGE_FILE = "index.html"

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
figure { margin: 2rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #444; max-width: 46rem; }
h2 { border-bottom: 1px solid #ccc; margin-top: 3rem; } h3 { margin-bottom: .2rem; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One idea, drawn."""

    name: str
    """Of its file, without the ending; no two on a page are alike."""
    title: str
    caption: str
    """How to read it."""
    size: tuple[float, float]
    """Width and height in inches."""
    draw: Callable[[Figure], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, some sentences and the pictures below them."""

    title: str
    sentences: tuple[str, ...]
    pictures: tuple[Picture, ...]


def write_page(directory: Path, title: str, sections: Sequence[Section]) -> None:
    """Writes the page and its pictures into an existing directory."""
    pictures = [picture for section in sections for picture in section.pictures]
    for picture in track(pictures, "Drawing"):
        write_picture(directory / f"{picture.name}.svg", picture.draw, size=picture.size)
    body = "\n".join(_section(section) for section in sections)
    text = (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{_text(title)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{_text(title)}</h1>\n{body}\n</html>\n"
    )
    (directory / PAGE_FILE).write_text(text, encoding="utf-8")


def _section(section: Section) -> str:
    sentences = "".join(f"<p>{_text(sentence)}</p>\n" for sentence in section.sentences)
    pictures = "\n".join(_picture(picture) for picture in section.pictures)
    return f"<h2>{_text(section.title)}</h2>\n{sentences}{pictures}"


def _picture(picture: Picture) -> str:
    return (
        f"<figure>\n<h3>{_text(picture.title)}</h3>\n"
        f'<img src="{_text(picture.name)}.svg" alt="{_text(picture.title)}">\n'
        f"<figcaption>{_text(picture.caption)}</figcaption>\n</figure>"
    )


def _text(text: str) -> str:
    return html.escape(text)
