"""What a reader would object to in a figure, found from the ink on the page."""

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg

DPI = 144  # two pixels to a point


class Sorted(RendererAgg):
    """Keeps each text on a sheet of its own, and lines, marks and the outlines of shapes on this one."""

    def __init__(self, fig):
        super().__init__(*np.round(fig.bbox.size).astype(int), DPI)
        self.draw_image = self.draw_quad_mesh = lambda *args, **kwargs: None  # cells of matrices may hold text
        self.texts = []  # (words, points, ink)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        sheet = RendererAgg(self.width, self.height, DPI)
        sheet.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        words = mtext.get_text() if mtext else s
        self.texts.append((words, prop.get_size_in_points(), _ink(sheet)))

    def draw_path(self, gc, path, transform, rgbFace=None):
        super().draw_path(gc, path, transform)


def texts(fig) -> list[str]:
    """All texts of the figure that leave ink."""
    return [words for words, _, ink in _drawn(fig).texts if ink.any()]


def faults(fig, width, smallest=8) -> list[str]:
    """A wider figure, and all texts that are too small, cut off, or within a point of a line or another text."""
    sheets = _drawn(fig)
    lines = _ink(sheets)
    edge = np.ones_like(lines)
    edge[2:-2, 2:-2] = False
    actual = fig.get_size_inches()[0]
    found = [f"{actual} in wide"] * bool(actual > width + 1e-9)
    for k, (words, points, ink) in enumerate(sheets.texts):
        near = _within_a_point(ink)
        found += [f"{words}: {points} pt"] * (points < smallest)
        found += [f"{words} leaves the figure"] * bool((ink & edge).any())
        found += [f"{words} touches a line"] * bool((near & lines).any())
        found += [f"{words} touches {other}" for other, _, its in sheets.texts[k + 1:] if (near & its).any()]
    return found


def _drawn(fig):
    fig.set_dpi(DPI)
    sheets = Sorted(fig)
    fig.draw(sheets)
    return sheets


def _ink(sheet):
    return np.asarray(sheet.buffer_rgba())[..., 3] > 80


def _within_a_point(ink):
    padded = np.pad(ink, 2)
    return np.any([padded[i:i + ink.shape[0], j:j + ink.shape[1]] for i in range(5) for j in range(5)], axis=0)
