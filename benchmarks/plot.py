"""Draws time against the number of rules, on logarithmic axes, as SVG: one panel for each mix."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from html import escape
from math import ceil, floor, log10
from pathlib import Path

Series = dict[int, float]
"""From a number of rules to microseconds."""
RESULTS = Path(__file__).resolve().parent / "results"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 480, 380, 62, 46, 46, 150
COLORS = ("#1b6ca8", "#c1440e", "#5a8f29", "#8d5fb0", "#b58900", "#555555", "#2a9d8f")


def plot(lines: Mapping[tuple[str, str], Series], quick: bool = False) -> Path:
    """Writes the picture, and says where. That of a quick run does not replace the other."""
    mixes = [mix for mix in ("selective", "table") if (mix, "tailored") in lines]
    panels = []
    for place, mix in enumerate(mixes):
        panel = "\n".join(_panel(mix, {peer: line for (of, peer), line in lines.items() if of == mix}))
        panels.append(f'<g transform="translate({place * (WIDTH + RIGHT)} 0)">\n{panel}\n</g>')
    width, height = len(mixes) * (WIDTH + RIGHT), HEIGHT + 24
    caption = f'<text x="{LEFT}" y="{HEIGHT + 14}" fill="#555">{escape(machine())}</text>'
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("quick.svg" if quick else "peers.svg")
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join([*panels, caption])
        + "\n</svg>\n"
    )
    print(f"\nDrawn: {path.relative_to(RESULTS.parent.parent)}")
    return path


def machine() -> str:
    """The processor and the Python that measured."""
    found = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        found = f"{names[0]}, {len(names)} virtual cores, shared" if names else found
    return f"{found}; Python {platform.python_version()}"


def _panel(mix: str, lines: Mapping[str, Series]) -> Iterator[str]:
    sizes = [size for line in lines.values() for size in line]
    times = [time for line in lines.values() for time in line.values()]
    low, high = floor(log10(min(sizes))), ceil(log10(max(sizes)))
    bottom, top = floor(log10(min(times))), ceil(log10(max(times)))

    def x(size: float) -> float:
        return LEFT + (log10(size) - low) / max(1, high - low) * (WIDTH - LEFT - 10)

    def y(time: float) -> float:
        return HEIGHT - BOTTOM - (log10(time) - bottom) / max(1, top - bottom) * (HEIGHT - TOP - BOTTOM)

    yield f'<text x="{LEFT}" y="22" font-size="15">One decision, {mix} books</text>'
    for power in range(bottom, top + 1):
        yield f'<path d="M{LEFT} {y(10**power):.1f}H{WIDTH - 10}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y(10**power) + 4:.1f}" text-anchor="end">{_time(10**power)}</text>'
    for power in range(low, high + 1):
        yield f'<path d="M{x(10**power):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
        place = f'x="{x(10**power):.1f}" y="{HEIGHT - BOTTOM + 18}"'
        yield f'<text {place} text-anchor="middle">{10**power:,}</text>'
    yield f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">rules</text>'
    taken: list[float] = []
    for color, (peer, line) in zip(COLORS * 2, lines.items(), strict=False):
        points = [(x(size), y(time)) for size, time in sorted(line.items())]
        weight = 3 if peer == "tailored" else 1.5
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{weight}"/>'
        yield from (
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{color}"/>' for across, up in points
        )
        at = points[-1][1] + 4
        while any(abs(at - other) < 14 for other in taken):
            at += 14
        taken.append(at)
        yield f'<text x="{WIDTH - 4}" y="{at:.1f}" fill="{color}">{escape(peer)}</text>'


def _time(microseconds: float) -> str:
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:g} s"
    return f"{microseconds / 1e3:g} ms" if microseconds >= 1e3 else f"{microseconds:g} µs"
