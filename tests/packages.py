"""Pandoc and Jupyter, which notebook and HTML need; make test installs them."""

import importlib.util
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).resolve().parents[1] / "build" / "notebook-packages"
if PACKAGES.exists() and str(PACKAGES) not in sys.path:
    sys.path.append(str(PACKAGES))
needs_packages = pytest.mark.skipif(
    not importlib.util.find_spec("pypandoc"), reason="sh code/setup.sh notebook was not run"
)
