"""Which document is built, for which case, and where its files are."""

from pathlib import Path
from typing import NamedTuple

from weaving.problems import BuildFailed, Problem
from weaving.project import BUILD


class Target(NamedTuple):
    """One document, NAME.texw, and the case that it is about.

    case_file: a file with the numbers of the case, or ""; case_options: how to read that file, the
    keyword arguments of `solutions.cases.load`.
    tagged: whether to write a tagged (accessible) PDF, see tagged.sty.
    """

    name: str = "report"
    case_file: str = ""
    case_options: tuple[tuple[str, str], ...] = ()
    tagged: bool = False

    @classmethod
    def named(cls, name: str, **others) -> "Target":
        """The document of this name, with or without .texw. Raises BuildFailed if there is none."""
        target = cls(name.removesuffix(".texw"), **others)
        if not Path(target.source).is_file():
            there = ", ".join(sorted(path.stem for path in Path().glob("*.texw"))) or "none"
            message = f"there is no such document in this folder; there are: {there}"
            raise BuildFailed([Problem(target.source, 0, message)])
        return target

    @property
    def variables(self) -> dict:
        """What the document's code finds defined."""
        return {"case_file": self.case_file, "case_options": dict(self.case_options)}

    @property
    def source(self):
        return f"{self.name}.texw"

    @property
    def stem(self):
        return BUILD / (f"{self.name}-tagged" if self.tagged else self.name)

    @property
    def pdf(self):
        return Path(f"{self.name}.pdf")

    @property
    def synctex(self):
        return Path(f"{self.name}.synctex.gz")

    def cache(self, kind: str) -> Path:
        """The file of the chunks' "results", of the "figures", or of what "build" was made from."""
        return BUILD / f"{self.name}.{kind}.json"
