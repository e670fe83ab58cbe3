"""What a reader would object to in a figure, found from the ink on the page."""

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg

from plots.style import TEXT_WIDTH

DPI = 144  # two pixels to a point


class Sorted(RendererAgg):
    """Keeps each text on a sheet of its own, and lines, marks and the outlines of shapes on this one."""

    def __init__(self, fig):
        super().__init__(*np.round(fig.bbox.size).astype(int), DPI)
        self.texts = []  # (words, points, ink)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        sheet = RendererAgg(self.width, self.height, DPI)
        sheet.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        self.texts.append((s, prop.get_size_in_points(), _ink(sheet)))

    def draw_path(self, gc, path, transform, rgbFace=None):
        super().draw_path(gc, path, transform)

    def draw_image(self, *args, **kwargs):
        pass


def faults(fig, smallest=8, width=TEXT_WIDTH):
    """All texts that are too small, leave the figure, or come within a point of a line, a mark or another text."""
    fig.set_dpi(DPI)
    sheets = Sorted(fig)
    fig.draw(sheets)
    lines = _ink(sheets)
    edge = np.ones_like(lines)
    edge[2:-2, 2:-2] = False
    found = [] if fig.get_size_inches()[0] == width else [f"{fig.get_size_inches()[0]} in wide"]
    for k, (words, points, ink) in enumerate(sheets.texts):
        near = _within_a_point(ink)
        found += [f"{words}: {points} pt"] * (points < smallest)
        found += [f"{words} leaves the figure"] * bool((ink & edge).any())
        found += [f"{words} touches a line"] * bool((near & lines).any())
        found += [f"{words} touches {other}" for other, _, its in sheets.texts[k + 1:] if (near & its).any()]
    return found


def _ink(sheet):
    return np.asarray(sheet.buffer_rgba())[..., 3] > 80


def _within_a_point(ink):
    padded = np.pad(ink, 2)
    return np.any([padded[i:i + ink.shape[0], j:j + ink.shape[1]] for i in range(5) for j in range(5)], axis=0)
