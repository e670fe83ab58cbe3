"""code/setup.sh on machines made of stubs: PATH holds only what a test puts there, so nothing real can be installed."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ["sh", "cat", "cmp", "cp", "dirname", "env", "grep", "head", "mkdir", "mv", "rm", "sed", "sleep", "tail", "touch", "true"]

# A Python that says what it is, makes a folder for `-m venv`, and for `-m pip` does what a test wants.
FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >> "{calls}"
case "$*" in
    *'import ensurepip'*) echo '{name} {version}'; exit {venv_status} ;;
    *python_version*) echo '{version}.9' ;;
    *cache_tag*) echo 'cpython-{version} Linux x86_64' ;;
    *'-m venv'*) mkdir -p "$4/bin" "$4/lib/python{version}/site-packages/numpy"
                 cp "$0" "$4/bin/python"; touch "$4/bin/pip" ;;
    *'-m pip'*) {pip} ;;
esac
"""

TEX_COMMANDS = ["latexmk", "pdflatex", "bibtex", "kpsewhich"]
# Finds what lies in the folder texmf/, as kpsewhich does: a line for each file found, status 1 if one is not.
KPSEWHICH = """#!/bin/sh
echo "kpsewhich $*" >> "{calls}"
shift; status=0
for file do
    if [ -f "{texmf}/$file" ]; then echo "{texmf}/$file"; else status=1; fi
done
exit $status
"""
APT = """#!/bin/sh
echo "apt-get $*" >> "{calls}"
case "$*" in
    *--assume-no*) echo '{plan}, 0 to remove and 3 not upgraded.'; echo 'Need to get 137 MB of archives.'
                   echo 'After this operation, 460 MB of additional disk space will be used.'; exit 1 ;;
    *'install -y'*) {install} ;;
esac
"""


class Machine:
    """A folder with the script in it, under a name that is hard to quote, and a PATH of stubs."""

    def __init__(self, folder):
        self.bin, self.texmf, self.calls = folder / "bin", folder / "texmf", folder / "calls"
        self.project = folder / "the \"report\", Lauri's ä $x"
        for made in (self.bin, self.texmf, self.project / "code"):
            made.mkdir(parents=True)
        self.calls.touch()
        self.started = []
        shutil.copy(ROOT / "code" / "setup.sh", self.project / "code")
        (self.project / "requirements.txt").write_text("numpy==2.4.6 --hash=sha256:00\n")
        (self.project / "requirements-notebook.txt").write_text("nbformat==5.11.1 --hash=sha256:00\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.is_root(False)
        self.command("uname", "#!/bin/sh\necho Linux\n")

    def command(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def commands(self, *names):
        for name in names:
            self.command(name, "#!/bin/sh\nexit 0\n")

    def is_root(self, yes):
        self.command("id", f"#!/bin/sh\necho {0 if yes else 1000}\n")

    def python(self, command, version, name="cpython", has_venv=True, pip="exit 0"):
        self.command(command, FAKE_PYTHON.format(calls=self.calls, name=name, version=version, pip=pip,
                                                 venv_status=0 if has_venv else 1))

    def tex(self, without=()):
        for name in TEX_COMMANDS:
            self.command(name, KPSEWHICH.format(calls=self.calls, texmf=self.texmf))
        for file in wanted_of_tex():
            (self.texmf / file).touch()
        for file in without:
            (self.texmf / file).unlink()

    def apt(self, install="exit 0", plan="1 upgraded, 7 newly installed", has="python3-venv python3.12-venv"):
        self.command("apt-get", APT.format(calls=self.calls, install=install, plan=plan))
        self.command("apt-cache", f"#!/bin/sh\ncase \" {has} \" in *\" $2 \"*) ;; *) exit 100 ;; esac\n")
        self.command("dpkg", f'#!/bin/sh\necho "dpkg $*" >> "{self.calls}"\n')

    def start(self, stage, **environment):
        environment = {"PATH": str(self.bin), "HOME": str(self.bin.parent), **environment}
        process = subprocess.Popen(["sh", self.project / "code" / "setup.sh", stage], cwd="/", text=True, encoding="utf-8",
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                   env={name: value for name, value in environment.items() if value is not None})
        self.started.append(process)
        return process

    def run(self, stage, **environment):
        """Exit status and all that was said; forgets the calls of before."""
        self.calls.write_text("")
        process = self.start(stage, **environment)
        out, err = process.communicate(timeout=60)
        assert out == ""
        return process.returncode, err

    def called(self):
        return self.calls.read_text()

    def leftovers(self):
        own = {"code", "requirements.txt", "requirements-notebook.txt", ".venv", "build"}
        return [path.name for path in self.project.iterdir() if path.name not in own]


def wanted_of_tex():
    script = (ROOT / "code" / "setup.sh").read_text()
    return re.search(r"^tex_files='([^']*)'", script, re.MULTILINE).group(1).split()


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    for process in machine.started:  # of a test that failed half-way, nothing goes on
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


# ---- which Python

def test_the_first_python_that_runs_is_taken(machine):
    machine.command("python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    machine.python("python3.12", "3.12")
    machine.python("python3.11", "3.11")
    status, said = machine.run("venv")
    assert status == 0
    assert "Python 3.12.9" in said and "pyenv" not in said
    assert "numpy" in os.listdir(machine.project / ".venv/lib/python3.12/site-packages")
    assert "--no-deps --only-binary :all: --require-hashes -r requirements.txt\n" in machine.called()
    assert machine.leftovers() == []


@pytest.mark.parametrize("version, name", [("3.10", "cpython"), ("3.14", "cpython"), ("3.11", "pypy")])
def test_other_pythons_are_refused_by_name(machine, version, name):
    machine.python("python3", version, name)
    status, said = machine.run("venv")
    assert status == 1
    assert f"python3 is {name} {version}" in said and "3.11, 3.12 or 3.13" in said
    assert not (machine.project / ".venv").exists()


def test_PYTHON_chooses(machine):
    machine.python("python3.13", "3.13")
    machine.python("my python", "3.11")
    machine.python("old", "3.9")
    assert "Python 3.11.9" in machine.run("venv", PYTHON=str(machine.bin / "my python"))[1]
    assert machine.run("venv", PYTHON="my python") == (0, "")
    assert machine.run("venv") == (0, "")
    assert "Python 3.13.9" in machine.run("venv", PYTHON="python3.13")[1]
    status, said = machine.run("venv", PYTHON="old")
    assert status == 1 and "PYTHON=old will not do (old is cpython 3.9)" in said
    status, said = machine.run("venv", PYTHON="none")
    assert status == 1 and "PYTHON=none will not do: CPython" in said


@pytest.mark.parametrize("manager, remedy", [
    ("dnf", "sudo dnf install python3.13"),
    ("zypper", "sudo zypper install python313"),
    ("pacman", "uv python install 3.13"),
    ("apt-get", "sudo apt-get install --no-install-recommends python3.12-venv"),
    ("", "uv python install 3.13"),
])
def test_without_a_python_the_systems_own_command_is_given(machine, manager, remedy):
    machine.tex()
    if manager == "apt-get":
        machine.apt()
    elif manager:
        machine.commands(manager)
    status, said = machine.run("venv")
    assert status == 1
    assert "none runs here" in said and f"\n    {remedy}" in said
    assert "TeX" not in said
    assert "apt-get" not in machine.called()


@pytest.mark.parametrize("has, remedy", [
    ("", "sudo apt-get install --no-install-recommends python3-venv\n"),  # no package lists
    ("python3-venv python3.14-venv", "uv python install 3.13"),
])
def test_a_debian_release_without_such_a_python(machine, has, remedy):
    machine.tex()
    machine.apt(has=has)
    status, said = machine.run("venv")
    assert status == 1 and f"\n    {remedy}" in said


def test_a_mac_is_told_of_its_own_ways(machine):
    machine.command("uname", "#!/bin/sh\necho Darwin\n")
    machine.apt()  # some have it
    assert "brew install python@3.13" in machine.run("venv")[1]
    status, said = machine.run("tex")
    assert status == 1 and "brew install --cask mactex-no-gui" in said
    assert "apt-get" not in machine.called()


def test_a_debian_python_without_venv(machine):
    machine.python("python3", "3.11", has_venv=False)
    machine.apt()
    machine.command("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    status, said = machine.run("venv")
    assert status == 1
    assert "Python 3.11 is here, but lacks venv" in said
    assert "sudo apt-get install --no-install-recommends python3.11-venv" in said
    assert "TeX lacks latexmk" in said and "texlive-latex-extra" in said  # both at once: one errand, not two
    assert "password" not in said and "apt-get" not in machine.called()


def test_debian_as_root_installs_venv(machine):
    machine.python("python3.12", "3.12", has_venv=False)
    machine.python("with venv", "3.12")
    machine.apt(install=f"cp \"{machine.bin}/with venv\" {machine.bin}/python3.12")
    machine.is_root(True)
    status, said = machine.run("venv")
    assert status == 0
    assert "installing python3.12-venv (without recommends: 137 MB to download, 460 MB on disk)" in said
    assert "install -y -q --no-install-recommends" in machine.called()
    assert (machine.project / ".venv/.complete").exists()


# ---- .venv, made once

def test_a_second_run_makes_nothing(machine):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    assert machine.run("venv") == (0, "")
    assert len(machine.called().splitlines()) == 1  # asks .venv/bin/python what it is


@pytest.mark.parametrize("fault", ["requirements", "python gone", "python broken", "package gone", "half made", "mark empty",
                                   "not ours", "dangling link"])
def test_an_environment_that_is_not_whole_is_made_anew(machine, fault):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    venv = machine.project / ".venv"
    if fault == "requirements":
        (machine.project / "requirements.txt").write_text("numpy==2.4.7 --hash=sha256:00\n")
    elif fault == "python gone":
        (venv / "bin/python").unlink()
    elif fault == "python broken":
        (venv / "bin/python").write_text("#!/nowhere/python\n")
    elif fault == "package gone":
        (venv / "lib/python3.13/site-packages/numpy").rmdir()
    elif fault == "half made":
        (venv / ".complete").unlink()
    elif fault == "mark empty":
        (venv / ".complete").write_text("")
        (venv / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    elif fault == "not ours":
        shutil.rmtree(venv)
        venv.write_text("a file")
    else:
        shutil.rmtree(venv)
        venv.symlink_to("nowhere")
    status, said = machine.run("venv")
    assert status == 0 and re.fullmatch("set-up: making .venv .*\n", said)
    assert machine.run("venv") == (0, "")
    assert machine.leftovers() == []


def test_a_moved_or_copied_folder_needs_nothing(machine):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    assert [path.name for path in (machine.project / ".venv/bin").iterdir()] == ["python"]  # no script with the folder's name
    copy = machine.project.with_name("elsewhere")
    shutil.copytree(machine.project, copy)
    shutil.rmtree(machine.project)
    machine.project = copy
    assert machine.run("venv") == (0, "")


@pytest.mark.parametrize("output, message", [
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
    ("WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for numpy==2.4.6", "no network"),
    ("ERROR: No matching distribution found for numpy==2.4.6", "pip could not install requirements.txt: ERROR: No matching"),
])
def test_when_pip_fails_one_message_says_why_and_nothing_changes(machine, output, message):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    before = (machine.project / ".venv/.complete").read_text()
    (machine.project / "requirements.txt").write_text("numpy==2.4.6 --hash=sha256:11\n")
    machine.python("python3.13", "3.13", pip=f"printf '%s\\n' '{output}' >&2; exit 1")
    status, said = machine.run("venv")
    assert status == 1
    assert f"set-up: {message}" in said and len(said.splitlines()) == 2  # what is being made, what went wrong
    assert (machine.project / ".venv/.complete").read_text() == before
    assert machine.leftovers() == []


DF = "#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\necho '/dev/a 5 9000 5000 {free} 97% /a 5% b'\n"


def test_a_full_disk_is_named_before_anything_is_made(machine):
    machine.python("python3.13", "3.13")
    machine.command("df", DF.format(free=1900))
    assert machine.run("venv") == (1, "set-up: the disk is full: .venv needs about 250 MB, 1 MB are free. Nothing was installed.\n")
    assert "venv" not in machine.called().replace("import ensurepip, venv", "") and machine.leftovers() == []
    assert not (machine.project / ".venv").exists()
    machine.command("df", DF.format(free=290000))
    assert machine.run("venv")[0] == 0
    assert machine.run("notebook") == (1, "set-up: the disk is full: build/notebook-packages needs about 300 MB, 290 MB are free. "
                                          "Nothing was installed.\n")


def test_a_folder_that_is_not_writable_gets_one_line(machine):
    machine.python("python3.13", "3.13")
    (machine.bin / "mkdir").unlink()
    machine.command("mkdir", "#!/bin/sh\necho 'mkdir: Permission denied' >&2\nexit 1\n")
    status, said = machine.run("venv")
    assert status == 1 and said.splitlines()[1:] == [f"set-up: cannot write in {machine.project}"]


def test_a_disk_too_full_for_the_list_of_tex_gets_one_line(machine):
    machine.tex()
    (machine.project / "build").write_text("a file in its place\n")
    assert machine.run("tex") == (1, "set-up: cannot write build/tex.ok: is the disk full, or the folder read-only?\n")
    (machine.project / "build").unlink()
    assert machine.run("tex") == (0, "")


PUT_NBFORMAT = 'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/nbformat"'


def test_the_notebooks_packages_are_made_once_and_beside_venv(machine):
    machine.python("python3.13", "3.13", pip=f'case "$*" in *--target*) {PUT_NBFORMAT} ;; esac')
    assert machine.run("venv")[0] == 0
    before = (machine.project / ".venv/.complete").read_text()
    status, said = machine.run("notebook")
    assert status == 0 and re.fullmatch("set-up: making build/notebook-packages .*\n", said)
    assert "--require-hashes" in machine.called() and "-r requirements-notebook.txt" in machine.called()
    assert machine.run("notebook") == (0, "") and machine.run("venv") == (0, "")
    assert (machine.project / "build/notebook-packages/nbformat").is_dir()
    assert (machine.project / ".venv/.complete").read_text() == before
    (machine.project / "requirements-notebook.txt").write_text("nbformat==5.11.2 --hash=sha256:00\n")
    (machine.project / "build/notebook-packages.new.999999").mkdir()  # of a run that was killed
    assert machine.run("notebook")[0] == 0 and machine.run("notebook") == (0, "")
    assert [path.name for path in (machine.project / "build").iterdir()] == ["notebook-packages"] and machine.leftovers() == []


@pytest.mark.parametrize("output, message", [
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
     "the disk is full: build/notebook-packages needs about 300 MB. Nothing was installed."),
    ("WARNING: Retrying after NewConnectionError", "no network: build/notebook-packages needs the Python package index this once."),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    nbformat from http://x", "nbformat as downloaded is not the file that "
     "requirements-notebook.txt names"),
])
def test_when_the_notebooks_packages_fail_one_message_says_why(machine, output, message):
    machine.python("python3.13", "3.13", pip=f"case \"$*\" in *--target*) printf '{output}\n' >&2; exit 1 ;; esac")
    assert machine.run("venv")[0] == 0
    status, said = machine.run("notebook")
    assert status == 1 and f"set-up: {message}" in said and len(said.splitlines()) == 2
    assert not list((machine.project / "build").iterdir()) and machine.leftovers() == []


def test_home_is_left_alone(machine):
    machine.python("python3.13", "3.13", pip=f"env > \"{machine.texmf}/env\"")
    assert machine.run("venv", HOME=None)[0] == 0
    environment = (machine.texmf / "env").read_text()
    assert "PIP_NO_CACHE_DIR=1" in environment
    assert f"TMPDIR={machine.project}/.venv.new." in environment
    (machine.project / "requirements.txt").write_text("")
    assert machine.run("venv")[0] == 0
    assert "PIP_NO_CACHE_DIR" not in (machine.texmf / "env").read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_killed_is_recovered_from(machine, how):
    machine.python("python3.13", "3.13", pip=f"touch \"{machine.texmf}/pip\"; while :; do sleep 0.05; done")
    process = machine.start("venv")
    wait_for(machine.texmf / "pip")
    os.killpg(process.pid, how)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert not (machine.project / ".venv").exists()
    assert (machine.leftovers() == []) == (how != signal.SIGKILL)
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    assert machine.leftovers() == []


def test_the_second_of_two_at_once_leaves_the_first_ones_environment(machine):
    hold = (f'mkdir "{machine.texmf}/one" 2>/dev/null && wait=go || wait=go_on; '
            f'while [ ! -f "{machine.texmf}/$wait" ]; do sleep 0.05; done')
    machine.python("python3.13", "3.13", pip=hold)
    first = machine.start("venv")
    wait_for(machine.texmf / "one")
    second = machine.start("venv")
    wait_until(lambda: machine.called().count("-m pip") == 2)
    (machine.texmf / "go").touch()
    first.communicate(timeout=10)
    made = (machine.project / ".venv").stat().st_ino
    (machine.texmf / "go_on").touch()
    second.communicate(timeout=10)
    assert (first.returncode, second.returncode) == (0, 0)
    assert (machine.project / ".venv").stat().st_ino == made
    assert machine.run("venv") == (0, "")
    assert machine.leftovers() == []


def test_two_that_end_together(machine):
    # another build's .venv appears just before ours is put there
    real = shutil.which("mv")
    (machine.bin / "mv").unlink()
    machine.command("mv", f'#!/bin/sh\ncase "$2" in .venv) cp -R "$1" .venv ;; esac\nexec {real} "$@"\n')
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    assert machine.run("venv") == (0, "")
    assert machine.leftovers() == []
    assert not any(path.name.startswith(".venv.") for path in (machine.project / ".venv").iterdir())


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def wait_for(path):
    wait_until(path.exists)


# ---- the real venv and pip, without a network

def wheel(folder):
    """A wheel of our own, thing 1.0, and its line for requirements.txt."""
    file = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("thing.py", "value = 7\n")
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "thing.py,,\nthing-1.0.dist-info/METADATA,,\n"
                                                       "thing-1.0.dist-info/WHEEL,,\nthing-1.0.dist-info/RECORD,,\n")
    return f"thing==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def offline(folder):
    return {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "LD_LIBRARY_PATH":
            os.environ.get("LD_LIBRARY_PATH")}


@pytest.fixture
def real_pip(machine):
    """The fake Python, but with this environment's pip, which downloads and compares hashes and then installs nothing."""
    machine.python("python3.13", "3.13", pip=f'exec "{sys.executable}" "$@" --dry-run')
    return machine


def test_a_wrong_hash_stops(real_pip):
    line = wheel(real_pip.texmf)
    (real_pip.project / "requirements.txt").write_text(re.sub("sha256:....", "sha256:0000", line))
    status, said = real_pip.run("venv", **offline(real_pip.texmf))
    assert status == 1
    assert "thing==1.0 as downloaded is not the file that requirements.txt names" in said
    assert not (real_pip.project / ".venv").exists()
    (real_pip.project / "requirements.txt").write_text(line)
    assert real_pip.run("venv", **offline(real_pip.texmf))[0] == 0


def test_no_network_stops(real_pip):
    (real_pip.project / "requirements.txt").write_text(wheel(real_pip.texmf))
    status, said = real_pip.run("venv", PIP_CONFIG_FILE=os.devnull, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert status == 1
    assert "set-up: no network" in said and len(said.splitlines()) == 2


def test_a_real_environment_works_and_can_be_moved(machine):
    (machine.project / "requirements.txt").write_text(wheel(machine.texmf))
    python = os.path.realpath(sys.executable)
    status, said = machine.run("venv", PYTHON=python, **offline(machine.texmf))
    assert status == 0, said
    moved = machine.project.with_name("moved ö")
    machine.project.rename(moved)
    machine.project = moved
    assert machine.run("venv", PYTHON=python) == (0, "")
    value = subprocess.run([moved / ".venv/bin/python", "-c", "import thing; print(thing.value)"], capture_output=True, text=True)
    assert value.stdout == "7\n"
    assert {path.name[:6] for path in (moved / ".venv/bin").iterdir()} == {"python"}


# ---- TeX

def test_a_complete_tex_is_looked_at_once(machine):
    machine.tex()
    assert machine.run("tex") == (0, "")
    assert f"kpsewhich -engine=pdftex {' '.join(wanted_of_tex())}\n" in machine.called()
    assert machine.run("tex") == (0, "")
    assert machine.called() == ""


@pytest.mark.parametrize("files", [wanted_of_tex()[:1], wanted_of_tex()[-1:], ["array.sty", "tcolorbox.sty"]])
def test_missing_files_are_named(machine, files):
    machine.tex(without=files)
    status, said = machine.run("tex")
    assert status == 1
    assert said.splitlines()[0] == f"set-up: TeX lacks {' '.join(files)}. Type"
    assert not (machine.project / "build/tex.ok").exists()


def test_all_that_the_house_style_loads_is_on_the_list():
    style = (ROOT / "code/weaving/house.sty").read_text()
    loaded = ",".join(re.findall(r"^\\RequirePackage(?:\[[^]]*\])?\{([^}]*)\}", style, re.MULTILINE)).split(",")
    assert len(loaded) > 20
    assert [name for name in loaded if f"{name}.sty" not in wanted_of_tex()] == []


def test_of_many_missing_files_some_are_named(machine):
    machine.tex(without=wanted_of_tex())
    names, more = " ".join(wanted_of_tex()[:6]), len(wanted_of_tex()) - 6
    assert f"TeX lacks {names} and {more} more files. Type" in machine.run("tex")[1]


@pytest.mark.parametrize("command", TEX_COMMANDS)
def test_what_goes_later_is_noticed(machine, command):
    machine.tex()
    assert machine.run("tex")[0] == 0
    (machine.texmf / "cleveref.sty").unlink()
    status, said = machine.run("tex")
    assert status == 1 and "TeX lacks cleveref.sty. Type" in said
    (machine.texmf / "cleveref.sty").touch()
    assert machine.run("tex") == (0, "")
    (machine.bin / command).unlink()
    status, said = machine.run("tex")
    assert status == 1 and f"TeX lacks {command}. Type" in said


def test_a_longer_list_is_looked_at_anew(machine):
    machine.tex()
    assert machine.run("tex")[0] == 0
    script = machine.project / "code/setup.sh"
    script.write_text(script.read_text().replace("tex_files='", "tex_files='newer.sty "))
    status, said = machine.run("tex")
    assert status == 1 and "TeX lacks newer.sty. Type" in said


@pytest.mark.parametrize("manager, remedy", [
    ("apt-get", "sudo apt-get install --no-install-recommends latexmk texlive-latex-recommended texlive-fonts-recommended "
                "texlive-latex-extra lmodern tex-gyre fonts-texgyre"),
    ("dnf", "sudo dnf install latexmk texlive-collection-latexrecommended texlive-collection-latexextra "
            "texlive-collection-fontsrecommended"),
    ("pacman", "sudo pacman -S texlive-binextra texlive-latexrecommended texlive-latexextra texlive-fontsrecommended"),
    ("zypper", "sudo zypper install texlive-latexmk texlive-collection-latexrecommended texlive-collection-latexextra "
               "texlive-collection-fontsrecommended"),
    ("", "install TeX Live (https://tug.org/texlive), then: tlmgr install latexmk collection-latexrecommended"),
])
def test_without_tex_the_systems_own_command_is_given(machine, manager, remedy):
    if manager == "apt-get":
        machine.apt()
    elif manager:
        machine.commands(manager)
    status, said = machine.run("tex")
    assert status == 1
    assert said.startswith("set-up: TeX lacks latexmk pdflatex bibtex kpsewhich. Type\n")
    assert f"\n    {remedy}" in said and said.endswith("\nand run make again\n")
    assert machine.called() == ""


def test_a_tex_live_of_its_own_is_mended_by_its_own_manager(machine):
    machine.tex(without=["tcolorbox.sty"])
    machine.commands("tlmgr")
    machine.apt()
    machine.is_root(True)
    status, said = machine.run("tex")
    assert status == 1
    assert "TeX lacks tcolorbox.sty" in said and f"\n    {machine.bin}/tlmgr install latexmk collection-" in said
    assert "apt-get" not in machine.called()


@pytest.mark.parametrize("who", ["root", "sudo"])
def test_debian_installs_tex_where_no_password_is_asked(machine, who):
    ready = Machine(machine.bin.parent / "ready")
    ready.texmf = machine.texmf
    ready.calls = machine.calls
    ready.tex()
    machine.apt(install=f'cp {" ".join(str(ready.bin / name) for name in TEX_COMMANDS)} "{machine.bin}"')
    machine.is_root(who == "root")
    if who == "sudo":
        machine.command("sudo", f'#!/bin/sh\nshift\necho "sudo $*" >> "{machine.calls}"\nexec "$@"\n')
    status, said = machine.run("tex")
    assert status == 0
    about = [line for line in said.splitlines() if "installing" in line]
    assert about == ["set-up: installing latexmk texlive-latex-recommended texlive-fonts-recommended texlive-latex-extra lmodern "
                     "tex-gyre fonts-texgyre (without recommends: 137 MB to download, 460 MB on disk)"]
    calls = re.findall("^apt-get .*", machine.called(), re.MULTILINE)
    assert [call.split()[1] for call in calls] == ["update", "install", "install"]
    assert all("--no-install-recommends" in call for call in calls[1:])
    assert "DPkg::Lock::Timeout" in calls[2] and "dpkg --configure -a" in machine.called()  # after one that was interrupted
    assert ("sudo env" in machine.called()) == (who == "sudo")
    assert machine.run("tex") == (0, "")
    assert machine.called() == ""


def test_a_python_that_does_not_come_is_asked_for(machine):
    machine.apt()
    machine.is_root(True)
    status, said = machine.run("venv")
    assert status == 1
    assert "installing python3.12-venv" in said
    assert said.splitlines()[-1].startswith("set-up: Python is installed, and still none can make .venv")


def test_an_installation_that_fails_says_so(machine):
    machine.apt(install="echo 'E: Unable to locate package latexmk' >&2; exit 100")
    machine.is_root(True)
    status, said = machine.run("tex")
    assert status == 1
    assert "installing them failed: is there a network?" in said and said.endswith("\nE: Unable to locate package latexmk\n")


def test_an_installation_that_does_not_help_says_what_is_still_missing(machine):
    machine.tex(without=["natbib.sty"])
    machine.apt(plan="0 upgraded, 0 newly installed")
    machine.is_root(True)
    status, said = machine.run("tex")
    assert status == 1
    assert "TeX is installed and still lacks natbib.sty" in said and "--reinstall" in said
    assert "installing" not in said and "install -y" not in machine.called()


def test_a_wrong_call_says_how(machine):
    status, said = machine.run("all")
    assert status == 1 and "usage: sh code/setup.sh venv | tex" in said
