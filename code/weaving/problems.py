"""What went wrong, and where: the one exception of the build."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One fault; prints as `report.texw:52: message`, details on the lines below."""

    source: str
    line: int  # 0 where no line can be named
    message: str
    details: str = ""

    def __str__(self):
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.message}" + (f"\n{self.details.rstrip()}" if self.details else "")


class BuildFailed(Exception):
    """All problems of one stage."""

    def __init__(self, problems):
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))
