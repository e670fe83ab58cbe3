"""The environment of the commands: results depend on the sources alone, not on the user's
settings.

The Makefile sets what `PYTHON` has for its other commands (pytest, proofs), which do not come here.
"""

import faulthandler
import gc
import os
import sys

# None: removed.
PYTHON = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONOPTIMIZE": None, "PYTHONWARNINGS": None,
          "PYTHONSTARTUP": None, "PYTHONPYCACHEPREFIX": None}  # fmt: skip
# Matplotlib's list of fonts takes a second or two to make.
OWN_VENV = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
CACHE_FOLDER = sys.prefix if OWN_VENV else os.path.abspath("build")
LIBRARIES = {"MPLCONFIGDIR": os.path.join(CACHE_FOLDER, "matplotlib"), "MPLBACKEND": "agg",
             "MATPLOTLIBRC": None, "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip


def restart_without_user_settings() -> None:
    """Replace this process by one with the settings above, unless it has them already.

    There asserts are on, sets have one order, and the three standard streams are open.
    """
    wanted = _with(PYTHON, os.environ)
    closed = None in (sys.stdin, sys.stdout, sys.stderr)
    if wanted != dict(os.environ) or sys.flags.optimize or closed:
        for stream in range(3):
            try:
                os.fstat(stream)
            except OSError:  # open takes the lowest number that is free
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        module = sys.modules["__main__"].__spec__.name.removesuffix(".__main__")
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], wanted)
    gc.set_threshold(50_000)  # imports make many objects and hardly any garbage
    faulthandler.enable()  # a crash in C code then names the chunk's line
    libraries = _with(LIBRARIES, os.environ)
    os.environ.clear()
    os.environ.update(libraries)


def _with(settings, environment):
    return {name: value for name, value in {**environment, **settings}.items() if value is not None}
