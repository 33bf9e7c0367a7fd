"""Draw the sequence diagram as SVG.

Start with `svg`.  The picture has a light background, for light and dark surroundings, and needs no
style of the page around it.  Every text is measured, so that none leaves the picture or covers
another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from botkit.trace.arrows import LEGEND, Arrow, arrows_of, cut, field_lines, fit, lanes_of, width_of
from botkit.trace.exchange import NOTHING, Exchange, listing

# All sizes are in pixels.
WIDTH = 820  # fits beside the sidebar of a small screen; JupyterLab does not shrink a picture
MARGIN = 56
WIDEST_GAP = 460  # between two lifelines
NARROWEST = 210  # width of the fields under an arrow; with many lanes they cross a lifeline
LABEL_CELL = 7.23  # width of a letter in a label
FIELD_CELL = 6.65  # width of a letter in a field
LINE = 15  # height of a line of fields
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SANS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
INK = "#1a2029"
QUIET = "#55606f"
FAINT = "#c9d1da"
BAD = "#b3261e"
COLOURS = {"front": "#b4540a", "back": "#0b5fcc", "answer": QUIET}
STROKES = {"front": (2, "7 4"), "back": (1.8, "none"), "answer": (1.3, "1.5 3")}  # width, dashes
LABELS = {"state": "#7a2f9e", "code": "#9a4a00", "token": "#12703a"}  # a colour for each kind


def svg(exchanges: Sequence[Exchange], *, details: bool = True) -> str:
    """Return the diagram as SVG; without `details` it has the arrows only."""
    names, arrows = lanes_of(exchanges), list(arrows_of(exchanges, details))
    gap = min(WIDEST_GAP, (WIDTH - 2 * MARGIN) / max(len(names) - 1, 1))
    lanes = [MARGIN + gap * n for n in range(max(len(names), 2))]
    width, y = lanes[-1] + MARGIN, 60.0
    body: list[str] = []
    for arrow in arrows:
        body += _draw_arrow(arrow, lanes, y + 24)
        y += 44
        for name, line in field_lines(arrow, int(max(gap - 14, NARROWEST) / FIELD_CELL)):
            x = min(lanes[arrow.gap] + 12, width - 8 - FIELD_CELL * width_of(line))
            x += FIELD_CELL * (len(line) - len(line.lstrip()))
            ink = BAD if name.startswith("error") else QUIET
            body.append(_write(x, y, _coloured(line.strip()), ink))
            y += LINE
    if not arrows:
        body.append(_write(width / 2, y + 20, NOTHING, anchor="middle"))
        y += 42
    parties = [part for x, name in zip(lanes, names, strict=False) for part in _party(x, name, y)]
    height = y + (88 if arrows else 20)
    inner = [
        _tag("title", f"Sequence diagram: {escape(', '.join(names) or 'empty')}"),
        _tag("desc", escape(listing(exchanges))),
        _box(0.5, 0.5, width - 1, height - 1, "#fff"),
        *parties,
        *body,
        *_draw_legend({arrow.style for arrow in arrows}, y + 66),
    ]
    return _tag(
        "svg",
        "\n".join(["", *inner, ""]),
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        style="max-width:100%;height:auto",
        font_family=MONO,
    )


def _party(x: float, name: str, bottom: float) -> Iterator[str]:
    """Draw a lifeline with its name at both ends, because a long picture is scrolled."""
    name = cut(name, 10)
    half = min(max(width_of(name) * 4.4 + 14, 38), MARGIN - 6)
    yield _tag("path", d=f"M{x:g} 44V{bottom + 14:g}", stroke=FAINT, stroke_width=1.2)
    for y in (16, bottom + 14):
        yield _box(x - half, y, 2 * half, 28, "#f6f7f9")
        font: dict[str, float | str] = {"font_family": SANS, "font_weight": 600}
        yield _write(x, y + 18.5, escape(name), INK, "middle", 13, **font)


def _draw_arrow(arrow: Arrow, lanes: Sequence[float], y: float) -> Iterator[str]:
    start, end, gap = lanes[arrow.start], lanes[arrow.end], lanes[1] - lanes[0]
    colour, side = COLOURS[arrow.channel], 1 if end >= start else -1
    middle, room = lanes[arrow.gap] + gap / 2 + side * 4, gap - 18  # beside the number
    if width_of(arrow.label) * LABEL_CELL > room and abs(end - start) > gap:
        middle, room = (start + end) / 2, abs(end - start) - 18
    label = escape(fit(arrow.label, int(room / LABEL_CELL)))
    size, ink = (12, INK) if arrow.number else (11, BAD if arrow.failed else QUIET)
    yield _write(middle, y - 7, label, ink, "middle", size)
    if start == end:  # to itself: out and back
        path = f"M{start:g} {y:g}h34v-14H{start + 7:g}"
        yield from _shaft(path, start + 1, y - 14, -1, arrow.style, colour)
    else:
        path = f"M{start:g} {y:g}H{end - side * 7:g}"
        yield from _shaft(path, end - side, y, side, arrow.style, colour)
    if arrow.status:
        ink, anchor = BAD if arrow.failed else QUIET, "start" if side > 0 else "end"
        yield _write(end + side * (9 if start != end else 42), y + 4, arrow.status, ink, anchor)
    if arrow.number:
        yield _tag("circle", cx=start, cy=y, r=9.5, fill=colour)
        yield _write(start, y + 4, str(arrow.number), "#fff", "middle", stroke="none")


def _draw_legend(styles: set[str], y: float) -> Iterator[str]:
    x = 24.0
    for style, words in LEGEND.items():
        if style in styles:
            yield from _shaft(f"M{x:g} {y:g}h30", x + 38, y, 1, style, COLOURS[style])
            yield _write(x + 46, y + 4, words, font_family=SANS)
            x += 66 + 6.3 * len(words)


def _coloured(line: str) -> str:
    """A field, with a colour for each kind of label so that the eye can follow it."""

    def label(found: re.Match[str]) -> str:
        return _tag("tspan", found[0], fill=LABELS.get(found[1], INK), font_weight=600)

    return re.sub(r"‹([^‹›]*)·\d+›", label, escape(line))


def _shaft(path: str, x: float, y: float, side: int, style: str, colour: str) -> Iterator[str]:
    """Draw the line of an arrow, and its head at x and y.

    The head is full for a request and open for an answer.
    """
    width, dashes = STROKES[style]
    yield _tag(
        "path", d=path, fill="none", stroke=colour, stroke_width=width, stroke_dasharray=dashes
    )
    back, fill = x - side * 9, "none" if style == "answer" else colour
    head = f"M{back:g} {y - 4.5:g}L{x:g} {y:g}L{back:g} {y + 4.5:g}"
    yield _tag("path", d=head, fill=fill, stroke=colour)


def _write(
    x: float,
    y: float,
    inner: str,
    ink: str = QUIET,
    anchor: str = "start",
    size: int = 11,
    **more: float | str,
) -> str:
    # The white edge keeps letters readable where they cross a lifeline.
    look = {"stroke": "#fff", "stroke_width": 3, "paint_order": "stroke", **more}
    return _tag("text", inner, x=x, y=y, fill=ink, text_anchor=anchor, font_size=size, **look)


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return _tag("rect", x=x, y=y, width=width, height=height, rx=8, fill=fill, stroke="#d5dbe2")


def _tag(name: str, inner: str = "", **attributes: float | str) -> str:
    """Return an element of SVG.  `inner` is SVG; the values of attributes are escaped."""
    written = [
        f' {key.replace("_", "-")}="{escape(v) if isinstance(v, str) else f"{v:g}"}"'
        for key, v in attributes.items()
    ]
    return f"<{name}{''.join(written)}>{inner}</{name}>"
