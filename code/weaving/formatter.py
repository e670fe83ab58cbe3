"""Pweave's LaTeX formatter: escaped listings, figures with alt text, and a map from the LaTeX back to the report."""

from weaving import load_pweave
from weaving.latex import code_listing, output_listing

PwebTexFormatter = load_pweave().formatters.tex.PwebTexFormatter


class MappedFormatter(PwebTexFormatter):
    """`formatted` is the LaTeX; `lines[i]` the line of the report that made its line i + 1."""

    def format(self):
        text, self.lines = [], []
        for chunk in self.executed:
            for line, piece, inline in self._pieces(chunk):
                # a piece continues the last line; each newline in it starts a new one
                text.append(piece)
                for k, part in enumerate(piece.split("\n")):
                    at = line if inline else line + k
                    if k:
                        self.lines.append(at)
                    elif not self.lines:
                        self.lines = [at]
        self.formatted = "".join(text)

    def _pieces(self, chunk):
        if chunk["type"] == "doc":
            return chunk["pieces"]
        return [(chunk["line"], self.format_codechunks(chunk) + "\n", True)]

    def format_codechunks(self, chunk):
        options, parts = chunk["options"], []
        if options["echo"]:
            parts.append(code_listing(chunk["content"].strip("\n"), chunk["line"]))
        for result in chunk["result"]:
            if result["output_type"] == "stream":
                parts.append(output_listing(result["text"]))
            elif "application/pdf" in result["data"]:
                parts.append(self.formatfigure(options, result["data"]["application/pdf"]))
            else:
                parts.append(result["data"]["text/latex"])
        return "\n".join(parts) if parts else "%"

    def formatfigure(self, options, file):
        alt = options["alt"].replace("{", "").replace("}", "")
        return (f"\\begin{{figure}}[htb]\n\\centering\n\\includegraphics[alt={{{alt}}}]{{{file}}}\n"
                f"\\caption{{{options['caption']}}}\\label{{fig:{options['label']}}}\n\\end{{figure}}")
