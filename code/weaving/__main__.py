"""python -m weaving [DOCUMENT] [--case FILE] [--tagged] [--watch]: DOCUMENT.pdf in this folder.

--tagged: a PDF that a screen reader can read, which takes ten times as long.
"""

import sys

from weaving.command import build_and_report, command_line


def main() -> int:
    target, tagged, watching = command_line(__doc__, "--tagged", "--watch")
    target = target._replace(tagged=tagged)
    if watching:
        from weaving.watch import watch

        return watch(target)
    return build_and_report(target)


if __name__ == "__main__":
    sys.exit(main())
