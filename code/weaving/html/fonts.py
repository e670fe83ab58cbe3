"""The report's own typefaces, cut down to the letters of the page and put into its style sheet."""

import base64
import io
import shutil
import subprocess

from fontTools import subset

# (the name in page.css, the file, Debian's package, what CSS says of it)
FACES = [("House", "texgyrepagella-regular.otf", "fonts-texgyre", ""),
         ("House", "texgyrepagella-italic.otf", "fonts-texgyre", "font-style:italic;"),
         ("House", "texgyrepagella-bold.otf", "fonts-texgyre", "font-weight:bold;"),
         ("House Math", "texgyrepagella-math.otf", "fonts-texgyre-math", "")]
# Shown by the browser though not in the text: the root sign, and in the place of a letter alone in a formula its italic.
UNWRITTEN = "".join(map(chr, [0x221A, 0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)]))


def faces(text):
    """The @font-face rules for the letters in the text."""
    text = "".join(sorted(set(text + UNWRITTEN)))
    return "".join(_face(name, find(file), says, text) for name, file, _, says in FACES)


def find(file):
    """The file's place; empty where TeX does not know it."""
    if not shutil.which("kpsewhich"):
        return ""
    return subprocess.run(["kpsewhich", file], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()


def _face(name, path, says, text):
    options = subset.Options(flavor="woff", hinting=False, desubroutinize=True, notdef_outline=True, layout_features=["*"],
                             name_IDs=[1, 2, 13, 14])
    options.drop_tables += ["FFTM"]
    out = io.BytesIO()
    with subset.load_font(path, options) as font:
        font.recalcTimestamp = False
        cutter = subset.Subsetter(options)
        cutter.populate(text=text)
        cutter.subset(font)
        subset.save_font(font, out, options)
    data = base64.b64encode(out.getvalue()).decode()
    return f'@font-face{{font-family:"{name}";{says}src:url(data:font/woff;base64,{data}) format("woff")}}\n'
