"""Reading a case from the user's own file, for `solutions.cases`.

notebooks.py  runs a notebook or .py file in a process of its own, until the arrays exist
cells.py      what the parts of such a file do to the arrays, by their source
recognise.py  which array is X, which W_q, and on which side the weights stand
"""
