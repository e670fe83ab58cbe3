"""LaTeXML's XHTML to our page: one file, roles and names for screen readers, none of LaTeXML's looks."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from html import escape
from pathlib import Path

from weaving.html.fonts import faces

STYLE = Path(__file__).with_name("page.css")
QUIET = "#6B7280"  # house.sty's rulegrey
# The keyboard stops only at what is wider than its box; a part of a line has no width.
SCRIPT = """
const watch = new ResizeObserver(seen => seen.forEach(({target: box}) =>
  box.clientWidth && box.scrollWidth > box.clientWidth + 1 ? box.setAttribute("tabindex", 0) : box.removeAttribute("tabindex")));
document.querySelectorAll(".scroll").forEach(box => watch.observe(box));
"""
# What LaTeXML calls it: our class. All other classes and all styles go.
OURS = ["mark", "row", "number", "file", "subtitle", "scroll", "long", "run-in", "display", "small", "wide", "quiet", "place",
        "aside", "noted", "broad", "whole", "aligned", "pairs2", "pairs3", "pairs4"]
CLASSES = {**{name: name for name in OURS}, "ltx_theorem_answer": "answer", "ltx_theorem_remark": "remark",
           "ltx_theorem_claimed": "claimed", "ltx_theorem_broad": "broad",
           "ltx_align_right": "right", "ltx_align_center": "center", "ltx_bibliography": "bibliography",
           "ltx_tag_figure": "tag", "ltx_tag_table": "tag"}
BOLD, ITALIC, TYPEWRITER = "ltx_font_bold", "ltx_font_italic", "ltx_font_typewriter"
TALL = {"mfrac", "mtable", "msqrt", "msup", "msubsup", "munder", "mover", "munderover"}  # what parentheses grow with
TOKENS, LONG = {"mi", "mn", "mo"}, 14  # more of them may be wider than a telephone
BOLD_LETTERS = re.compile("[\U0001D400-\U0001D433\U0001D6A8-\U0001D6E1]")
CLOSING, OPENING = re.compile(r"[\w,.;:!?)\]\u2019\u201d-]+"), re.compile(r"[(\[\u2018\u201c]+$")  # of one word with a formula


def page(xhtml, places, title):
    """The page as text. places: XML of the listings and figures, in order; title: the window's."""
    body = _parsed(xhtml).find(".//article")
    for step in [_title, _contents, _drop, _run_in, _equations, _formulas, _long, _words, _tables, _marks, _citations, _asides,
                 _looks]:
        step(body)
    _fill(body, places)
    _regions(body)
    body.tag, body.attrib = "main", {}
    text = ET.tostring(body, encoding="unicode", method="html").strip()
    text = text.replace("\u2009", "\u2060\u2009\u2060")  # no line ends at a thin space
    style = faces(text) + STYLE.read_text(encoding="utf-8")
    return (f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<style>\n{style}</style>\n</head>\n<body>\n{text}\n"
            f"<script>{SCRIPT}</script>\n</body>\n</html>\n")


def _parsed(xml):
    root = ET.fromstring(xml)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    return root


def _title(body):
    """The first paragraph is the title, its second line the subtitle."""
    head = body[0]
    head.tag, head.attrib, head[:] = "header", {}, list(head.iter("p"))
    for level, line in enumerate(head):
        line.tag, line.attrib = ("p", {"class": "subtitle"}) if level else ("h1", {})


def _contents(body):
    """What has most links before the first section is the table of contents."""
    before = list(body)[:next(k for k, child in enumerate(body) if child.tag == "section")]
    contents = max(before, key=lambda child: len(child.findall(".//a")))
    contents.tag, contents.attrib = "nav", {"aria-label": "Contents"}


def _drop(body):
    """What only paper needs, and bullets of LaTeXML's own."""
    for parent in list(body.iter()):
        for child in list(parent):
            kinds = _kinds(child)
            if kinds & {"ltx_rdf", "ltx_pagination", "ltx_tag_item", "ltx_eqn_center_padleft", "ltx_eqn_center_padright"}:
                _replace(parent, child, [])


def _fill(body, places):
    """Put the listings and figures in. A listing parts the paragraph that LaTeX sees it in: words before it and after it."""
    for place in _all(body, "place"):
        parents = _parents(body)
        made = ET.fromstring(places[int(place.text)])
        inside = place
        while made.tag == "pre" and inside.tag != "p":
            inside = parents[inside]
        if made.tag == "pre":
            after = ET.Element("p")
            if parents[place] is inside:
                k = list(inside).index(place)
                after.text, place.tail, after[:], inside[k + 1:] = place.tail, None, inside[k + 1:], []
            _replace(parents[place], place, [])
            name = next(("".join(file.itertext()) for file in _all(inside, "file")), "report.texw")
            made.attrib.update({"role": "region", "aria-label": f"Listing: {name}"})
            words = {p: "".join(p.itertext()).strip() for p in [inside, after]}
            _replace(parents[inside], inside, [part for part in [inside, made, after] if words.get(part, True)])
        else:
            box = ET.Element("div", {"class": "scroll", "role": "group", "aria-label": "Figure"})
            box.append(made)
            made.attrib.update({key: str(round(float(made.get(key).removesuffix("pt")) * 4 / 3)) for key in ["width", "height"]})
            _replace(parents[place], place, [box])
            if parents[place].tag == "p":  # in which no box may stand
                parents[place].tag = "div"


def _regions(body):
    """Regions are told apart by their names: the second of a name is numbered, and so on."""
    seen = Counter()
    for region in [e for e in body.iter() if e.get("role") == "region" and e.get("aria-label")]:
        name = region.get("aria-label")
        seen[name] += 1
        if seen[name] > 1:
            region.set("aria-label", f"{name} ({seen[name]})")


def _run_in(body):
    """Headings that begin a line become its first words."""
    parents = _parents(body)
    for heading in [e for e in body.iter() if e.tag in ("h4", "h5", "h6")]:
        parent = parents[heading]
        words = ET.Element("b", {"class": "run-in"})
        words.text = heading.text
        words[:] = list(heading)
        following = list(parent)[list(parent).index(heading) + 1:]
        paragraph = next((p for element in following[:1] for p in element.iter("p")), None)
        _replace(parent, heading, [])
        if not "".join(words.itertext()).strip(" .\n"):
            continue
        if paragraph is None:
            paragraph = ET.Element("p")
            parent.insert(0, paragraph)
        words.tail, paragraph.text = " " + (paragraph.text or "").lstrip(), None
        paragraph.insert(0, words)


def _equations(body):
    """Tables that only place formulas become boxes that scroll, one for each line; names and what they equal, one for all."""
    parents = _parents(body)
    for table in [t for t in body.iter("table") if "ltx_eqn_table" in _kinds(t)]:
        for formula in table.iter("math"):
            formula.set("display", "block")
        boxes, rows = [], list(map(list, table.iter("tr")))
        if "ltx_eqn_align" in _kinds(table):
            boxes = [_aligned(rows)]
        else:
            for row in rows:
                boxes.append(ET.Element("div", {"class": "scroll display", "role": "group", "aria-label": "Formula"}))
                boxes[-1].extend(part for td in row for cell in td for part in _parts(cell))
        _replace(parents[table], table, boxes)


def _aligned(rows):
    """Lines of a name and what it equals, perhaps several such pairs in a line."""
    box = ET.Element("div", {"class": "scroll aligned", "role": "group", "aria-label": "Formulas"})
    pairs = [[row[k:k + 2] for k in range(0, len(row), 2)] for row in rows]
    if (most := max(map(len, pairs))) > 1:
        box.set("class", f"scroll aligned pairs{min(most, 4)}")
    for sides in [sides for line in pairs for sides in line]:
        pair = ET.SubElement(box, "div")
        for side in (sides + [()])[:2]:
            ET.SubElement(pair, "div").extend(side)
    return box


def _parts(formula):
    """Formulas side by side in one line: each by itself, so that they may stand below each other."""
    line = formula[0] if len(formula) else formula
    if formula.tag != "math" or line.tag != "mrow" or not _has_gap(line):
        return [formula]
    parts = [[]]
    for element in _level(line):
        if element.tag != "mspace" or not _is_gap(element):
            parts[-1].append(element)
        if _is_gap(element):
            element.attrib.pop("rspace", None)
            parts.append([])
    made = []
    for part in parts:
        made.append(ET.Element("math", {"display": "block"}))
        ET.SubElement(made[-1], "mrow").extend(part)
    return made


def _is_gap(element):
    """A wide space, or a comma with one behind it."""
    width = {"mspace": element.get("width", ""), "mo": element.get("rspace", "")}.get(element.tag, "")
    return width.endswith("em") and float(width.removesuffix("em")) >= 1


def _has_gap(line):
    inside = [e for e in line if e.tag == "mrow"]
    fenced = len(line) and line[0].tag == "mo" and (line[0].text or "") in "([{|"
    return not fenced and (any(map(_is_gap, line)) or any(map(_has_gap, inside)))


def _level(line):
    """What stands between the gaps, groups with gaps in them taken apart."""
    for element in line:
        if element.tag == "mrow" and _has_gap(element):
            yield from _level(element)
        else:
            yield element


def _formulas(body):
    """Spaces as TeX has them, one letter for each name, and no colours or sizes of their own."""
    for formula in body.iter("math"):
        if any(re.fullmatch(r"\d\d%", e.get("mathsize", "")) for e in formula.iter()):
            formula.set("class", "small")
        for element in list(formula.iter()):
            for name in ["mathsize", "mathcolor", "style", "id", "rowspacing", "columnspacing"]:
                element.attrib.pop(name, None)
            for name in ["minsize", "maxsize"]:  # as a size of \\bigl they stay, as a small size they go
                if re.fullmatch(r"\d\d%", element.get(name, "")):
                    del element.attrib[name]
                    element.attrib.pop("stretchy", None)
            if element.tag == "mover" and element[1].text == "^":  # the ASCII sign is a large one, and in Firefox grows
                element[1].text = "\u02c6"
                element[1].set("stretchy", "false")
            if element.tag in ("msup", "msubsup") and element[-1].text == "\u2032":  # raised already
                prime = element[-1]
                element.remove(prime)
                prime.attrib.update({"lspace": "0em", "rspace": "0em"})
                if element.tag == "msup":
                    element.tag = "mrow"
                    element.append(prime)
                else:
                    element.tag = "msub"
                    base, element[0] = element[0], ET.Element("mrow")
                    element[0].extend([base, prime])
            if element.tag == "mo" and (element.text == "/" or element.get("fence")):
                element.attrib.update({"lspace": "0em", "rspace": "0em"})
            if element.tag == "mrow" and not any(e.tag in TALL for e in element.iter()):
                for fence in [e for e in element if e.tag == "mo" and (e.text or "") in "()[]"]:
                    fence.set("stretchy", "false")
        _part_names(formula)


def _long(body):
    """A long formula in the text scrolls, too, where the line is shorter than it; in a table, if it is alone in its cell."""
    parents = _parents(body)
    among_others = {formula for cell in body.iter("td") for formula in cell.iter("math")
                    if "".join(cell.itertext()).strip() != "".join(formula.itertext()).strip()}
    for formula in [math for math in body.iter("math") if math not in among_others]:
        inside = parents[formula]
        if formula.get("display") == "inline" and sum(e.tag in TOKENS for e in formula.iter()) >= LONG:
            box = ET.Element("span", {"class": "scroll long", "role": "group", "aria-label": "Formula"})
            _replace(inside, formula, [box])
            box.append(formula)


def _words(body):
    """No line ends between a formula and its comma or its bracket, nor in words like "ith"."""
    for parent in [e for e in body.iter() if e.tag != "math" and "display" not in _kinds(e)]:
        for child in list(parent):
            long = "long" in _kinds(child)
            if child.tag != "math" and not long or "long" in _kinds(parent):
                continue
            k = list(parent).index(child)
            before = (parent[k - 1].tail if k else parent.text) or ""
            opening, closing = OPENING.search(before), CLOSING.match(child.tail or "")
            if not opening and not closing:
                continue
            if long:  # what is wider than its line takes them along
                whole = child
            else:
                whole = ET.Element("span", {"class": "whole"})
                _replace(parent, child, [whole])
                whole.append(child)
            if closing:
                whole.tail, whole[-1].tail = whole.tail[closing.end():], closing.group()
            if opening:
                whole.text, before = opening.group(), before[:opening.start()]
                if k:
                    parent[k - 1].tail = before
                else:
                    parent.text = before


def _part_names(formula):
    """LaTeXML writes neighbouring bold letters as one name: XY, and XY to the power T. Take them apart."""
    for parent in list(formula.iter()):
        for child in list(parent):
            inner = child[0] if child.tag in ("msub", "msup", "msubsup") else child
            letters = BOLD_LETTERS.findall(inner.text or "") if inner.tag == "mi" else []
            if len(letters) > 1 and "".join(letters) == inner.text:
                group = ET.Element("mrow")
                group.tail, child.tail, inner.text = child.tail, None, letters[-1]
                for letter in letters[:-1]:
                    ET.SubElement(group, "mi").text = letter
                    ET.SubElement(group, "mo").text = "\u2062"  # invisible times
                parent[list(parent).index(child)] = group
                group.append(child)


def _tables(body):
    """Tables scroll in boxes of their own; only the first row is a head."""
    parents = _parents(body)
    for number, table in enumerate(body.iter("table")):
        caption = parents[table].find("figcaption") if parents[table].tag == "figure" else None
        box = ET.Element("div", {"class": "scroll", "role": "region"})
        if caption is None:
            heading = next(e for e in _before(body, table) if e.tag in ("h2", "h3"))
            box.set("aria-label", "Table: " + "".join(heading.itertext()).strip())
        else:
            caption.set("id", f"caption{number}")
            box.set("aria-labelledby", f"caption{number}")
        for cell in list(table.iter("th")):
            if "ltx_th_column" in _kinds(cell) and "".join(cell.itertext()).strip():
                cell.set("scope", "col")
            else:  # LaTeXML guesses that numbers on the left head their rows
                cell.tag = "td"
        for cell in [*table.iter("td"), *table.iter("th")]:
            for paragraph in cell.findall("p"):
                paragraph.tag = "span"
            if len(cell) and not len(cell[0]) and not (cell[0].text or "").strip():  # a space to the column's edge
                cell[0].text = None
        for row in table.iter("tr"):
            if any(int(cell.get("colspan", 1)) > 1 for cell in row):
                row.set("class", "wide")
        _replace(parents[table], table, [box])
        box.append(table)


def _marks(body):
    """Links between claims and checks say where they lead."""
    for span in _all(body, "mark"):
        span[0].set("aria-label", f"Check {span.get('id').removeprefix('mark')}")
    for span in _all(body, "row"):
        span[0].set("aria-label", f"To claim {span.get('id').removeprefix('row')}")


def _citations(body):
    """Works are numbered, and several numbers in one pair of brackets ascend, as in the PDF."""
    for number, tag in enumerate(_all(body, "ltx_tag_bibitem"), 1):
        tag[:], tag.text, tag.tail = [], f"[{number}]", " " + (tag.tail or "")
    for citation in body.iter("cite"):
        links = [a for a in citation.iter("a") if "".join(a.itertext()).isdigit()]
        ascending = sorted((int("".join(a.itertext())), a.get("href")) for a in links)
        for link, (number, target) in zip(links, ascending):
            link[:], link.text = [], str(number)
            link.set("href", target)


def _asides(body):
    """A side note leaves its paragraph and follows it; both share a box, in which a wide page puts them side by side."""
    for note in _all(body, "aside"):
        parents = _parents(body)
        inside = note
        while inside is not None and inside.tag != "p":
            inside = parents.get(inside)
        note.set("role", "note")
        if inside is None:  # in a heading, a caption or a table it stays
            continue
        note.tag = "aside"
        _replace(parents[note], note, [])
        box = parents[inside]
        if "noted" in _kinds(box):
            box[-1].append(note)
        elif not "".join(inside.itertext()).strip() and not len(inside):
            _replace(box, inside, [note])
        else:
            noted = ET.Element("div", {"class": "noted"})
            _replace(box, inside, [noted])
            noted.append(inside)
            ET.SubElement(noted, "div").append(note)


def _looks(body):
    """Semantic tags for faces, our classes for LaTeXML's, no styles, no ids that nothing links to."""
    linked = {a.get("href", "")[1:] for a in body.iter("a")}
    for element in body.iter():
        kinds, style = _kinds(element), element.attrib.pop("style", "")
        if element.tag == "span":
            element.tag = "b" if BOLD in kinds else "em" if ITALIC in kinds else "code" if TYPEWRITER in kinds else "span"
        if QUIET.lower() in style.lower() and element.tag != "p":
            kinds = kinds | {"quiet"}
        ours = " ".join(sorted({CLASSES[kind] for kind in kinds if CLASSES.get(kind)}))
        element.attrib.pop("class", None)
        if ours:
            element.set("class", ours)
        for name in ["title", "rel"]:
            element.attrib.pop(name, None)
        if element.get("id") and element.get("id") not in linked and element.tag != "figcaption":
            del element.attrib["id"]


def _parents(body):
    return {child: parent for parent in body.iter() for child in parent}


def _kinds(element):
    return set((element.get("class") or "").split())


def _all(body, kind):
    return [element for element in body.iter() if kind in _kinds(element)]


def _before(body, element):
    """The elements before it, the nearest first."""
    everything = list(body.iter())
    return everything[:everything.index(element)][::-1]


def _replace(parent, child, new):
    """New elements in the child's place; what followed it stays."""
    k = list(parent).index(child)
    tail = child.tail or ""
    child.tail = None
    parent[k:k + 1] = new
    if new:
        new[-1].tail = tail
    elif k:
        parent[k - 1].tail = (parent[k - 1].tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
