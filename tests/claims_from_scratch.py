"""The claims of each module, imported anew. For mutants.py only: what a module computes while it is imported, its statements above all,
has otherwise been computed before the mutant takes effect. `make test` does not need it and does not collect it.
"""

import sys
from importlib import import_module

import pytest

from proofs.runner import MODULES


@pytest.mark.parametrize("module", MODULES)
def test_the_claims_hold(module, monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] in ("proofs", "solutions"):
            monkeypatch.delitem(sys.modules, name)
    ledger = import_module("proofs.ledger")
    import_module("proofs." + module)
    for claim in ledger.CLAIMS.values():
        if claim.exercise == module:
            assert ledger.verify(claim).problems == ()
