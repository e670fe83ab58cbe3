"""How the report is built: Pweave, made strict.

target.py      which document, for which case; where its files are
reader.py      report.texw   -> chunks, by Pweave's reader; each fault of them is reported
prose.py       the text between the chunks: inline expressions, and what is wrong with it
execution.py   chunks        -> results, cached or new
processor.py   the run of the chunks in this process; a fault stops the build
streams.py     what they print, with guards against what would be lost; values.py: what they return
inputs.py      what the chunks read, recorded as they read it
states.py      the states of what was read, to see whether one has changed
nondeterminism.py: calls whose results differ each time, found in the code
project.py     which files of the folder are sources, which are built, which are imported
results.py     the results, cached until anything they depend on changes
figures.py     one figure    -> its files, cached for as long as the figure is the same
document.py    results       -> one list of parts: text, chunks, listings, outputs, figures
pdf.py         parts         -> LaTeX, with a map from each of its lines back to report.texw
tex.py         LaTeX         -> PDF, with latexmk if one pass is not enough
first_pass.py  the first pass, which reads the LaTeX while the chunks run
bibtex.py      the references: made before the first pass, and what is wrong with them
texlog.py      what LaTeX's log says, at its line of report.texw
unreported.py  faults that neither LaTeX nor BibTeX reports
build.py       the PDF: all of it in order, the PDF replaced last
tree.py        parts         -> headings, paragraphs, formulas and so on, read by Pandoc
pandoc.py      running Pandoc, and transforming its trees
markdown.py    tree          -> Markdown, for the text of a notebook and what its cells show
notebook.py    tree, chunks  -> report.ipynb, run
html.py        tree          -> report.html; page.css says how it looks
macros.py      what the documents' macros mean outside the PDF
house.sty      what they mean in the PDF, and how its page looks; margin.sty: notes in the margin;
               tagged.sty: what a screen reader is told; overflow.sty: what is wider than the page;
               mathematics.tex, glyphs.tex: its parts; metadata.tex: which kind of PDF it is
verapdf/       make check: whether the PDF is valid PDF/A or PDF/UA
latex.py       arrays, tables and source code as LaTeX
__main__.py    the command: build the PDF, once or, with watch.py, at each save
submission.py  the command that makes submission.tar.gz from the last commit
command.py     what the commands share: arguments, progress, reports; settings.py: the environment
provenance.py  the commit, its date and the versions that a report was made from
problems.py    what went wrong, and where: the one exception of the build
files.py       atomic writes, digests, reading what may be damaged

CONTRIBUTING.md has a table of what decides that something runs again.
"""
