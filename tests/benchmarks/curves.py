"""Curves as a small SVG picture that can be read on light and dark pages."""

DASHES = ("none", "6 6", "none", "none", "none")
"""The second curve often lies on the first or the third: both are seen through it."""
COLORS = ("#3b82f6", "#d97706", "#10a37f", "#e0457b", "#8b8b8b")
WIDTH, HEIGHT, LEFT, TOP = 240, 170, 34, 26
STYLE = (
    "text{font:11px sans-serif;fill:#57606a}.grid{stroke:#8884;stroke-width:1}.line{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#a8b0b8}}"
)


def svg(panels, below):
    """A panel for each (title, points at x, name -> values at y), y in percent; `below` says what x counts."""
    names = list(panels[0][2])
    parts = [_panel(LEFT + number * (WIDTH + 50), *panel, below) for number, panel in enumerate(panels)]
    width, foot = LEFT + max(len(panels) * (WIDTH + 50), len(names) * 78), TOP + HEIGHT + 52
    for number, name in enumerate(names):
        at = LEFT + number * 78
        parts.append(f'<line class="line" stroke="{COLORS[number]}" x1="{at}" x2="{at + 18}" y1="{foot}" y2="{foot}"/>')
        parts.append(f'<text x="{at + 23}" y="{foot + 4}">{name}</text>')
    size = f'width="{width}" height="{foot + 14}" viewBox="0 0 {width} {foot + 14}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"


def _panel(left, title, xs, curves, below):
    values = [value for ys in curves.values() for value in ys]
    low, high = max(0, 10 * (min(values) // 10)), min(100, 10 * -(-max(values) // 10))
    across = {x: left + WIDTH * number / max(1, len(xs) - 1) for number, x in enumerate(xs)}

    def up(y):
        return TOP + HEIGHT * (high - y) / max(1, high - low)

    parts = [f'<text x="{left}" y="14" font-weight="bold">{title}</text>']
    for y in (low, (low + high) / 2, high):
        parts.append(f'<line class="grid" x1="{left}" x2="{left + WIDTH}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>')
        parts.append(f'<text x="{left - 5}" y="{up(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x, at in across.items():
        parts.append(f'<text x="{at:.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{x}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 32}" text-anchor="middle">{below}</text>')
    # The dashed one last, on what it covers.
    drawn = sorted(zip(COLORS, DASHES, curves.values(), strict=False), key=lambda each: each[1] != "none")
    for color, dashes, ys in drawn:
        points = " ".join(f"{at:.1f},{up(y):.1f}" for at, y in zip(across.values(), ys, strict=True))
        parts.append(f'<polyline class="line" stroke="{color}" stroke-dasharray="{dashes}" points="{points}"/>')
    return "\n".join(parts)
