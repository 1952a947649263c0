"""Pictures of an examination, as HTML: success by kind, and success over price."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from services.examination.abilities.next_question import Z_95

if TYPE_CHECKING:
    from services.examination.results.profile import Profile

_WIDTH, _HEIGHT, _MARGIN = 720, 320, 48
_MAX_DECADES = 6


def heat_map(profile: Profile) -> str:
    """Returns a table of models and kinds; the better, the darker."""
    head = "".join(f"<th>{html.escape(kind)}</th>" for kind in profile.kinds)
    rows = []
    for model in profile.models:
        cells = []
        for success, error in zip(model.success, model.errors, strict=True):
            share, width = round(100 * success), round(100 * Z_95 * error)
            light, ink = 97 - 0.55 * share, "#fff" if share > 60 else "#111"
            cells.append(
                f'<td style="background:hsl(212 60% {light:.0f}%);color:{ink}" '
                f'title="{share} ± {width} %">{share}</td>'
            )
        rows.append(f"<tr><th>{html.escape(model.model_id)}</th>{''.join(cells)}</tr>")
    return (
        "<h2>Who is good at what</h2>\n<p>Right answers in percent; intervals under the pointer.</p>"
        f'\n<div style="overflow-x:auto"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'
    )


def price_picture(profile: Profile) -> str:
    """Returns a picture of success over dollars per 1,000 answers, on a logarithmic scale."""
    prices = [1000 * model.usd_per_answer for model in profile.models]
    highest = max([*prices, 1e-9])
    lowest = max(min(prices, default=highest), highest / 10**_MAX_DECADES)
    decades = max(math.log10(highest / lowest), 0.3)
    marks = []
    for model, price in zip(profile.models, prices, strict=True):
        x = _MARGIN + (_WIDTH - 4 * _MARGIN) * math.log10(max(price, lowest) / lowest) / decades
        y, high, low = (
            _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * min(max(share, 0.0), 1.0)
            for share in (
                model.mean_success,
                model.mean_success + model.mean_width,
                model.mean_success - model.mean_width,
            )
        )
        marks.append(
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{high:.0f}" y2="{low:.0f}" stroke="#8a8f98"/>'
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="#2166ac"/>'
            f'<text x="{x + 7:.0f}" y="{y + 4:.0f}">{html.escape(model.model_id)}</text>'
        )
    bottom = _HEIGHT - _MARGIN
    axis = (
        f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{bottom}" y2="{bottom}" stroke="#111"/>'
        f'<line x1="{_MARGIN}" x2="{_MARGIN}" y1="{_MARGIN}" y2="{bottom}" stroke="#111"/>'
        f'<text x="8" y="{_MARGIN}">100 %</text><text x="20" y="{bottom}">0 %</text>'
        f'<text x="{_MARGIN}" y="{bottom + 20}">{lowest:.3g} dollars per 1,000 answers</text>'
        f'<text x="{_WIDTH - 2 * _MARGIN}" y="{bottom + 20}">{highest:.3g}</text>'
    )
    return (
        "<h2>Right answers over price</h2>\n"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Right answers over price" '
        f'style="font:12px system-ui;max-width:{_WIDTH}px">{axis}{"".join(marks)}</svg>'
    )
