"""How well a colour can be read on another one."""

from __future__ import annotations

import re


def contrast(ink: str, ground: str) -> float:
    """Between two colours, `#rrggbb` or `rgb(r, g, b)`, from 1 to 21: WCAG 2.2 on contrast."""
    dark, light = sorted(map(_luminance, (ink, ground)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = re.findall("[0-9a-f]{2}", colour) if colour[0] == "#" else re.findall(r"\d+", colour)
    shares = [int(part, 16 if colour[0] == "#" else 10) / 255 for part in parts]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
