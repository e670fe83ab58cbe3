"""Unreadable text in a figure, found from the ink on the page."""

from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg

DPI = 144  # two pixels to a point


class Ground(RendererAgg):
    """The figure without its texts."""

    def draw_text(self, *_, **__):
        pass


class Sorted(RendererAgg):
    """Keeps each text on a sheet of its own, and lines and the outlines of shapes on this one."""

    def __init__(self, fig):
        super().__init__(*_size(fig))
        self.draw_image = self.draw_quad_mesh = lambda *_: None  # a matrix's cells may hold text
        self.texts = []  # (words, points, colour, ink)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        sheet = RendererAgg(self.width, self.height, DPI)
        sheet.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        words = mtext.get_text() if mtext else s
        self.texts.append((words, prop.get_size_in_points(), gc.get_rgb()[:3], _ink(sheet)))

    def draw_path(self, gc, path, transform, rgbFace=None):
        if rgbFace is not None and (len(rgbFace) == 3 or rgbFace[3] == 1):
            cover = RendererAgg(self.width, self.height, DPI)
            cover.draw_path(gc, path, transform, rgbFace)
            np.asarray(self.buffer_rgba())[_ink(cover)] = 0  # hides the lines under it
        super().draw_path(gc, path, transform)


def texts(fig) -> list[str]:
    """All texts of the figure."""
    return [words for words, *_ in _drawn(fig)[0].texts]


def faults(fig, width, smallest=8, least_contrast=4.5) -> list[str]:
    """A figure that is too wide; texts too small, pale, cut off, or near a line or another text."""
    sheets, ground = _drawn(fig)
    lines = _ink(sheets)
    edge = np.ones_like(lines)
    edge[2:-2, 2:-2] = False
    actual = fig.get_size_inches()[0]
    found = [f"{actual} in wide"] if actual > width + 1e-9 else []
    all_texts = np.sum([ink for *_, ink in sheets.texts], axis=0)  # how many inks in each pixel
    for words, points, colour, ink in sheets.texts:
        least, near = contrast(np.array(colour), ground[ink]), _within_a_point(ink)
        possible = {
            f"contrast {least:.2f}": least < least_contrast,
            f"{points} pt": points < smallest,
            "leaves the figure": (ink & edge).any(),
            "touches a line": (near & lines).any(),
            "touches another text": (all_texts[near] > ink[near]).any(),
        }
        found += [f"{words}: {fault}" for fault, is_so in possible.items() if is_so]
    return found


def contrast(colour, behind) -> float:
    """The smallest ratio of luminances, as WCAG defines it, of a colour and those behind it."""
    lights = [_luminance(colour), _luminance(behind)]
    return ((np.maximum(*lights) + 0.05) / (np.minimum(*lights) + 0.05)).min(initial=21)


@lru_cache(maxsize=1)
def _drawn(fig):
    """The texts apart from each other and from the lines, and the colours behind the texts."""
    fig.set_dpi(DPI)
    sheets, ground = Sorted(fig), Ground(*_size(fig))
    fig.draw(sheets)
    fig.draw(ground)
    return sheets, np.asarray(ground.buffer_rgba())[..., :3] / 255


def _size(fig):
    return *np.round(fig.bbox.size).astype(int), DPI


def _luminance(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


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
