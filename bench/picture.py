"""A picture of ratios: one bar per row on a logarithmic scale, a mark where the bar must end at least."""

import math
from html import escape
from typing import NamedTuple

LEFT, WIDTH, HEIGHT, TOP = 380, 420, 22, 40  # of the bars; of a row; above the first
LOW, HIGH = 0.1, 1000.0
ENOUGH, SHORT = "#2f7d4f", "#b5472f"


class Bar(NamedTuple):
    """A row's name, its ratio (None: not measured), the least ratio that it must reach."""

    name: str
    ratio: float | None
    least: float


def svg(title: str, bars: list[Bar]) -> str:
    """Draw the bars as an SVG document that needs nothing else; colours say what the numbers beside them say too."""
    height = TOP + HEIGHT * len(bars) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<g font-family="sans-serif" font-size="12" fill="#222">',
        f'<text x="10" y="20" font-size="14">{escape(title)}</text>',
    ]
    for power in range(-1, 4):
        x = _x(10.0**power)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 24}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{10.0**power:g}</text>')
    for number, bar in enumerate(bars):
        lines += _bar(bar, TOP + HEIGHT * number)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _bar(bar: Bar, top: int) -> list[str]:
    name = f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(bar.name)}</text>'
    if bar.ratio is None:
        return [name, f'<text x="{_x(1.0):.1f}" y="{top + 14}" fill="#666">not measured</text>']
    end, least = _x(bar.ratio), _x(bar.least)
    low, high = sorted((_x(1.0), end))
    colour = ENOUGH if bar.ratio >= bar.least else SHORT
    return [
        name,
        f'<rect x="{low:.1f}" y="{top + 3}" width="{max(high - low, 1.0):.1f}" height="{HEIGHT - 8}" fill="{colour}"/>',
        f'<line x1="{least:.1f}" x2="{least:.1f}" y1="{top}" y2="{top + HEIGHT - 2}" stroke="#222" stroke-width="2"/>',
        f'<text x="{max(end, least) + 6:.1f}" y="{top + 14}">{bar.ratio:.2g}</text>',
    ]


def _x(ratio: float) -> float:
    held = min(max(ratio, LOW), HIGH)
    return LEFT + WIDTH * (math.log(held) - math.log(LOW)) / (math.log(HIGH) - math.log(LOW))
