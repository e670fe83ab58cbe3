"""What is printed of a statement must be readable in one way only."""

import re

from proofs.notation import (
    INDEX_BINDERS,
    IllFormed,
    Letter,
    Node,
    all_letters,
    index,
    letters,
    node,
    random_letters,
    walk,
)
from proofs.printing import GREEK, latex, latex_letter

LETTER_NAME = re.compile(  # an accent, a letter, primes, an argument, a subscript, a superscript
    r"(?:hat |bar )?([A-Za-z]+)'*(?:\(\w\))?(?:_\w|_\{[\w+|]+\})?(\^[A-Za-z]|\^\{[A-Za-z]+\})?"
)


def check_unambiguous(statement):
    """Raise IllFormed if what is printed of a statement can be read in two ways.

    That is so if two things look the same, if a name looks like an expression or like a member of
    a family, or if a name holds an index, or a letter that varies: in sum_i x_i, a letter called
    "x_i" would be constant.
    """
    nodes = {part for tree in statement.printed.trees for part in walk(tree)}
    names = all_letters(statement.trees)
    _check_symbols(nodes, names)
    _check_spelling(nodes, names)
    _check_bound_indices(nodes)
    _check_members(names)
    _check_what_names_hold(names, *_varying(statement, nodes))


def _check_symbols(nodes, names):
    for things in (
        [(latex(n), n) for n in nodes if n.head in SYMBOL_HEADS]
        + [(n.leaf[0], f"the index {n.leaf[0]}") for n in nodes if n.head == "index"]
        + [("\\" + n.leaf[0], f"the permutation {n.leaf[0]}") for n in nodes if n.head == "perm"],
        [(_with_any_indices(n), n) for n in names]
        + [("e", "the index e") for n in nodes if n.head == "index" and n.leaf[0] == "e"]
        + [symbol for n in nodes for symbol in _symbols(n)],
    ):
        shown = {}
        for text, thing in things:
            text = text.replace(r"\vec", r"\mat")  # both are bold
            if shown.setdefault(text, thing) != thing:
                both = " and ".join(map(_in_words, (shown[text], thing)))
                raise IllFormed(f"{text} is ambiguous: it prints both {both}; rename one")


def _check_spelling(nodes, names):
    for name in names:
        found = LETTER_NAME.fullmatch(name.name)
        is_base = name.tex or (found and (len(found[1]) == 1 or found[1] in GREEK))
        is_tex = re.fullmatch(r"[A-Za-z]?", name.tex) or name.tex in SYMBOLS
        if not (found and is_base and is_tex) or (found[2] and not name.shape):
            raise IllFormed(f"{latex_letter(name)} looks like an expression")
        if found[2] and found[2].strip("^{}") in EXPONENTS:
            raise IllFormed(f"{latex_letter(name)} looks like a power or a transpose")
    for n in nodes:
        if n.head == "index" and not re.fullmatch("[A-Za-z]", n.leaf[0]):
            raise IllFormed(f"the index {n.leaf[0]} must be a single letter")
        if n.head == "perm" and n.leaf[0] not in GREEK:
            raise IllFormed(f"the permutation {n.leaf[0]} must be a Greek letter")


def _check_bound_indices(nodes):
    for n in nodes:
        if n.head in INDEX_BINDERS and n.args[1].head == "index":
            body, bound = n.args[:2]
            if any(p.head in INDEX_BINDERS and p.args[1].leaf == bound.leaf for p in walk(body)):
                raise IllFormed(
                    f"{n}: the index {bound} is also that of a sum (or the like) inside it"
                )
            for name in letters(body):  # as a size of a matrix, d_h is one size
                if name.domain == "natural" and bound.leaf[0] in name.name.partition("_")[2]:
                    raise IllFormed(f"{latex_letter(name)} looks as if it changed with {bound}")


def _check_members(names):
    sizes = {name.name for name in names if name.domain == "natural"}
    families = [name for name in names if name.over or name.shape]
    for name in names:
        base, place, above = _parts(name)
        members = [other for other in families if _parts(other) == (base, "", above)]
        if place and any(_is_like_a_place(place, other, sizes) for other in members):
            raise IllFormed(f"{latex_letter(name)} looks like one of the {base}")


def _check_what_names_hold(names, varying, random):
    for name in names:
        _, *inner = re.findall("[A-Za-z]+", re.sub("^(hat|bar) ", "", name.name))
        inner += "".join(inner)  # in x_{kj} also k and j
        argument = re.findall(r"\((\w)\)", name.name)
        for hidden in {*inner} & varying if name.domain != "natural" else ():  # d_h is one size
            raise IllFormed(f"{latex_letter(name)} looks as if it changed with {hidden}")
        if any(name not in random.get(hidden, (name,)) for hidden in argument):
            shown = latex_letter(name)
            raise IllFormed(f"{shown} is not declared to be as random as {argument[0]}")


def _parts(name):
    """(base, subscript, superscript) of a letter, as they are printed."""
    base, _, rest = name.name.partition("_")
    base, _, above = base.partition("^")
    below, _, after = rest.partition("^")
    return name.tex.strip("\\") or base, below.strip("{}"), (above or after).strip("{}")


def _is_like_a_place(subscript, name, sizes):
    """Whether what stands below a letter looks like a place in this family, vector or matrix."""
    count = len(name.over) + len(name.shape) - (len(name.shape) == 2 and name.shape[1] == node(1))
    symbols = re.findall(r"\d|[A-Za-z]", subscript)
    indices = [symbol for symbol in symbols if symbol.isdecimal() or symbol in INDEX_NAMES | sizes]
    is_number = all(symbol.isdecimal() for symbol in symbols)
    return is_number or subscript in sizes or len(indices) == len(symbols) == count


SYMBOL_HEADS = ("letter", "part", "entry")
SYMBOLS = {"\\" + name for name in GREEK} | {r"\ell", r"\varepsilon"}
EXPONENTS = set("TnNmMkKijlD")  # what a superscript may be taken for
INDEX_NAMES = set("ijklmnrst")


def _in_words(thing):
    """What a printed symbol stands for: a letter with what sets it apart, a tree, or a text."""
    letter = thing.leaf[0] if isinstance(thing, Node) and thing.head == "letter" else thing
    if not isinstance(letter, Letter):
        return str(thing)
    sizes = [
        f"{what} {', '.join(map(str, parts))}"
        for what, parts in (("over", letter.over), ("shape", letter.shape))
        if parts
    ]
    return f"the letter {letter.name} ({'; '.join([letter.domain, *sizes])})"


def _with_any_indices(name):
    return latex_letter(name, [index("i")] * len(name.over))


def _symbols(tree):
    """(printed, what it is) of a symbol that a letter may look like."""
    whole, *places = tree.args or (tree,)
    if tree.head in ("entry", "part") and whole.head == "letter":
        family = Letter(whole.leaf[0].name, (None,) * len(places), tex=whole.leaf[0].tex)
        yield _with_any_indices(family), f"the entries of {whole}"
    if tree.head == "delta":
        yield _with_any_indices(Letter("delta", (None, None))), "Kronecker's delta"
    if tree.head == "unit":
        shown = _with_any_indices(Letter("e", (None,), (node(2), node(1))))
        yield shown, f"a unit vector of length {tree.args[1]}"
    if tree.head == "eye":
        yield latex(tree), "the identity matrix"
    if tree.head == "ones":
        yield latex(tree), f"the vector of {tree.args[0]} ones"
    if tree.head == "exp":
        yield "e", "the exponential function"


def _varying(statement, nodes):
    """The names of what varies, and {name of a random letter: those that may depend on it}."""
    varying, random = set(), {}
    for n in nodes:
        targets = n.args[1:] if n.head == "argmin" else n.args[1:2]
        if n.head in ("diff", "argmin", "integral"):
            varying |= set().union(*map(letters, targets))
    for h in statement.hypotheses:
        drawn = random_letters(h)
        random |= dict.fromkeys(drawn, () if h.kind == "independent" else drawn)
        if h.kind == "independent":  # of these, which are then random too
            random = dict.fromkeys(letters(h.parts[3]), ()) | random
    meanings = [h.parts for h in statement.hypotheses if h.kind == "where"]
    for _ in meanings:
        for name, meaning in meanings:
            varying |= letters(name) if letters(meaning) & varying else set()
            random |= dict.fromkeys(letters(name) if letters(meaning) & set(random) else (), ())
    return (
        {name.name for name in varying} | {n.leaf[0] for n in nodes if n.head == "index"},
        {name.name: drawn for name, drawn in random.items()},
    )
