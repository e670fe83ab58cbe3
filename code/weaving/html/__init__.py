"""make html: report.html, one self-contained page from the same woven LaTeX as report.pdf.

    convert.py        woven LaTeX -> HTML with MathML by LaTeXML; figures -> SVG by Poppler; their complaints stop the build
    house.sty.ltxml   what code/weaving/house.sty means to LaTeXML
    page.py           LaTeXML's HTML -> our page: figures and listings put in, roles for screen readers, one style sheet
    fonts.py          the report's typefaces, only the letters that the page has, for page.css
    page.css          how it looks, by day and by night, on a desk and on a telephone
"""
