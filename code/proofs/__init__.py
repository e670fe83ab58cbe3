"""Claims: statements that are printed, decided and attacked from one and the same tree.

notation            trees and hypotheses
shapes, printing    the shapes of trees; statements as LaTeX
ambiguity           rejects a statement that can be read in two ways as it is printed
claims, runner      what a claim is; checking all claims and keeping the verdicts
deciders            how a statement is decided: by its normal form, or with SymPy
normaliser          reads a tree as a form, its normal form: forms (data), algebra, simplification
moments             expected values of forms
judge               whether a statement holds in numbers: sample (values), distributions
mutants, attack     statements changed in one place, given to the deciders and to the judge
attention, positional, chronos, least_squares, supplement       the claims, by exercise; those of
                    supplement.pdf are in `supplement` or say document="supplement"
"""
