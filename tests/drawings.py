"""What a reader would object to in a figure, found from the ink on the page."""

from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg

DPI = 144  # two pixels to a point


class Sorted(RendererAgg):
    """Keeps each text on a sheet of its own, and lines and the outlines of shapes on this one."""

    def __init__(self, fig):
        super().__init__(*np.round(fig.bbox.size).astype(int), DPI)
        self.draw_image = self.draw_quad_mesh = lambda *_: None  # a matrix's cells may hold text
        self.texts = []  # (words, points, ink)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        sheet = RendererAgg(self.width, self.height, DPI)
        sheet.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        words = mtext.get_text() if mtext else s
        self.texts.append((words, prop.get_size_in_points(), _ink(sheet)))

    def draw_path(self, gc, path, transform, rgbFace=None):
        super().draw_path(gc, path, transform)


def texts(fig) -> list[str]:
    """All texts of the figure."""
    return [words for words, *_ in _drawn(fig).texts]


def faults(fig, width, smallest=8) -> list[str]:
    """A figure that is too wide; texts too small, cut off, or near to a line or another text."""
    sheets = _drawn(fig)
    lines = _ink(sheets)
    edge = np.ones_like(lines)
    edge[2:-2, 2:-2] = False
    actual = fig.get_size_inches()[0]
    found = [f"{actual} in wide"] * bool(actual > width + 1e-9)
    all_texts = np.sum([ink for *_, ink in sheets.texts], axis=0)  # how many inks in each pixel
    for words, points, ink in sheets.texts:
        near = _within_a_point(ink)
        found += [f"{words}: {points} pt"] * (points < smallest)
        found += [f"{words} leaves the figure"] * bool((ink & edge).any())
        found += [f"{words} touches a line"] * bool((near & lines).any())
        found += [f"{words} touches another text"] * bool((all_texts[near] > ink[near]).any())
    return found


@lru_cache(maxsize=1)
def _drawn(fig):
    fig.set_dpi(DPI)
    sheets = Sorted(fig)
    fig.draw(sheets)
    return sheets


def _ink(sheet):
    return np.asarray(sheet.buffer_rgba())[..., 3] > 80


def _within_a_point(ink):
    """Where the ink is, and two pixels around."""
    near = np.zeros_like(ink)
    bottom, right = np.array(ink.shape) - 1
    rows, columns = np.nonzero(ink)
    for up in range(-2, 3):
        for across in range(-2, 3):
            near[np.clip(rows + up, 0, bottom), np.clip(columns + across, 0, right)] = True
    return near
