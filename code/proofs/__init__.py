"""Claims: statements that are printed, decided and attacked from one and the same tree.

notation            trees and hypotheses
shapes, printing    the shapes of trees; statements as LaTeX
names               refuses a statement that can be read in two ways as it is printed
ledger, runner      what a claim is; running all claims and keeping the outcomes
deciders            how a statement is decided: by its normal form, or with SymPy, or by running it
sums                reads a tree as a form, the normal form: forms (data), algebra (arithmetic)
moments             expected values of forms
judge, outcomes     the value of a statement in numbers; what random letters may come to
mutants, attack     statements changed in one place, given to the deciders and to the judge
attention, positional, chronos, least_squares, supplement       the claims
"""
