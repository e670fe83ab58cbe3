"""Pweave's LaTeX formatter: escaped listings, figures with alt text, and a map from the LaTeX back to the report."""

from weaving import load_pweave
from weaving.latex import code_listing, output_listing

PwebTexFormatter = load_pweave().formatters.tex.PwebTexFormatter


class MappedFormatter(PwebTexFormatter):
    """`formatted` is the LaTeX; `lines[i]` the line of the report that made its line i + 1."""

    def format(self):
        text, self.lines = [], [1]
        for chunk in self.executed:
            for line, piece, computed in filter(_has_text, self._pieces(chunk)):
                if not text or text[-1].endswith("\n"):  # else it continues a line that another piece began
                    self.lines[-1] = line
                self.lines += [line if computed else line + k for k in range(1, piece.count("\n") + 1)]
                text.append(piece)
        self.formatted = "".join(text)

    def _pieces(self, chunk):
        if chunk["type"] == "doc":
            return chunk["pieces"]
        return [(chunk["line"], self.format_codechunks(chunk) + "\n", True)]

    def format_codechunks(self, chunk):
        options, parts = chunk["options"], []
        if options["echo"]:
            code = chunk["content"].removeprefix("\n")
            blank = len(code) - len(code.lstrip("\n"))
            parts.append(code_listing(code.strip("\n"), chunk["line"] + blank))
        for result in chunk["result"]:
            if result["output_type"] == "stream":
                parts.append(output_listing(result["text"]))
            elif result["output_type"] == "display_data":
                parts.append(self.formatfigure(options, result))
            else:
                parts.append(result["data"]["text/latex"])
        return "\n".join(parts) if parts else "%"

    def formatfigure(self, options, result):
        return (f"\\begin{{figure}}[htb]\n\\sidefigure\n"
                f"{{\\includegraphics[alt={{{options['alt']}}}]{{{result['data']['application/pdf']}}}}}\n"
                f"{{\\caption{{{result['metadata']['caption']}}}\\label{{fig:{options['label']}}}}}\n\\end{{figure}}")


def _has_text(piece):
    return piece[1] != ""
