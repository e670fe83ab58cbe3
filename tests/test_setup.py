"""code/setup.sh on machines made of stubs: PATH holds only what a test puts there."""

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
TOOLS = (
    "sh cat cmp cp dirname env grep head kill mkdir mv printf rm sed sleep tail touch tr true"
).split()
PINNED = {
    "requirements.txt": "numpy==2.4.6 --hash=sha256:00\n",
    "requirements-notebook.txt": "nbformat==5.11.1\n",
}

# Says what it is; makes a folder for `-m venv`; for `-m pip` does what the test wants.
FAKE_PYTHON = """#!/bin/sh
echo "python $*" >> "{calls}"
case "$*" in
    *'import ensurepip'*) echo '{name} {version}'; exit {venv_status} ;;
    *cache_tag*) echo 'cpython-{version} Linux x86_64' ;;
    --version) echo 'Python {version}.9' ;;
    *'-m venv'*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    *'-m pip'*) {pip} ;;
esac
"""
# Finds what lies in the folder texmf/, as kpsewhich does; status 1 if one is missing.
KPSEWHICH = """#!/bin/sh
shift; status=0
for file do
    if [ -f "{texmf}/$file" ]; then echo "{texmf}/$file"; else status=1; fi
done
exit $status
"""
TEX_COMMANDS = ["latexmk", "pdflatex", "bibtex", "kpsewhich"]


class Machine:
    """A folder with the script in it, under a name that is hard to quote, and a PATH of stubs."""

    def __init__(self, folder):
        self.bin, self.texmf, self.calls = folder / "bin", folder / "texmf", folder / "calls"
        self.project = folder / 'the "report", Lauri\'s ä $x'
        self.venv, self.shell = self.project / ".venv", ["sh"]
        for made in (self.bin, self.texmf, self.project / "code"):
            made.mkdir(parents=True)
        self.calls.touch()
        shutil.copy(ROOT / "code/setup.sh", self.project / "code")
        for name, text in PINNED.items():
            (self.project / name).write_text(text)
        for tool in TOOLS:
            if shutil.which(tool):  # kill is the shell's own on some systems
                (self.bin / tool).symlink_to(shutil.which(tool))
        self.command("id", "echo 1000")
        self.command("uname", "echo Linux")

    def command(self, name, script="exit 0"):
        path = self.bin / name
        path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def python(self, command, version, name="cpython", has_venv=True, pip="exit 0"):
        values = {"calls": self.calls, "name": name, "version": version, "pip": pip}
        self.command(command, FAKE_PYTHON.format(**values, venv_status=int(not has_venv)))

    def tex(self, without=()):
        for name in TEX_COMMANDS:
            self.command(name, KPSEWHICH.format(texmf=self.texmf))
        for file in set(wanted_of_tex()) - set(without):
            (self.texmf / file).touch()

    def apt(self, install="exit 0", has="python3-venv python3.12-venv"):
        note = f'"$*" >> "{self.calls}"'
        installs = f'case "$*" in *"install -y"*) {install} ;; esac'
        self.command("apt-get", f"echo apt-get {note}\n{installs}")
        self.command("dpkg", f"echo dpkg {note}")
        self.command("apt-cache", f'case " {has} " in *" $2 "*) ;; *) exit 100 ;; esac')

    def start(self, stage, **environment):
        environment = {"PATH": str(self.bin), "HOME": str(self.bin.parent), **environment}
        command = [*self.shell, self.project / "code/setup.sh", stage]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        return subprocess.Popen(command, cwd="/", env=environment, start_new_session=True, **pipes)

    def run(self, stage, **environment):
        """Exit status and what was said; forgets the earlier calls."""
        self.calls.write_text("")
        process = self.start(stage, **environment)
        out, err = process.communicate(timeout=60)
        assert out == ""
        return process.returncode, err

    def called(self):
        return self.calls.read_text()

    def leftovers(self):
        own = {"code", ".venv", "build", *PINNED}
        return [path.name for path in self.project.iterdir() if path.name not in own]


def wanted_of_tex():
    script = (ROOT / "code/setup.sh").read_text()
    return re.search(r"^tex_files='([^']*)'", script, re.MULTILINE).group(1).split()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# ---- which Python


def test_the_first_python_that_runs_is_taken(machine):
    machine.command("python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    machine.python("python3.13", "3.13", has_venv=False)
    machine.python("python3.12", "3.12")
    machine.python("python3.11", "3.11")
    status, said = machine.run("venv")
    assert status == 0 and "Python 3.12.9" in said and "pyenv" not in said
    assert (
        "--no-deps --only-binary :all: --require-hashes -r requirements.txt\n" in machine.called()
    )
    assert machine.run("venv") == (0, "")
    assert machine.called().count("python") == 1  # asks .venv/bin/python what it is
    assert machine.leftovers() == []


@pytest.mark.parametrize(
    "name, version", [("cpython", "3.10"), ("cpython", "3.15"), ("pypy", "3.11")]
)
def test_other_pythons_are_refused(machine, name, version):
    machine.python("python3", version, name)
    status, said = machine.run("venv")
    assert status == 1 and f"python3 is {name} {version}" in said and "3.11 to 3.14" in said
    assert not machine.venv.exists()


def test_PYTHON_chooses(machine):
    machine.python("python3.13", "3.13")
    machine.python("my python", "3.11")
    machine.python("old", "3.9")
    assert "Python 3.11.9" in machine.run("venv", PYTHON=str(machine.bin / "my python"))[1]
    assert machine.run("venv", PYTHON="my python") == machine.run("venv") == (0, "")
    assert "Python 3.13.9" in machine.run("venv", PYTHON="python3.13")[1]
    assert "old is cpython 3.9" in machine.run("venv", PYTHON="old")[1]
    assert "PYTHON=none" in machine.run("venv", PYTHON="none")[1]


# ---- .venv is made once, and made again when it is not what it should be


FAULTS = {
    "other requirements": "echo numpy==2.4.7 > requirements.txt",
    "half made": "rm .venv/.complete",
    "python broken": "echo '#!/nowhere/python' > .venv/bin/python",
    "a dead link": "rm -r .venv; ln -s /nowhere .venv",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_environment_that_is_not_whole_is_made_again(machine, fault):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    subprocess.run(FAULTS[fault], shell=True, check=True, cwd=machine.project)
    status, said = machine.run("venv")
    assert status == 0 and "making .venv" in said
    assert machine.run("venv") == (0, "")
    assert machine.leftovers() == []


@pytest.mark.parametrize(
    "pip, expected",
    [
        ("echo 'WARNING: Retrying: NewConnectionError' >&2; exit 1", "no network"),
        ("echo 'ERROR: No space left on device' >&2; exit 1", "No space left on device"),
    ],
)
def test_a_failure_of_pip_leaves_nothing_behind(machine, pip, expected):
    machine.python("python3.13", "3.13", pip=pip)
    status, said = machine.run("venv")
    assert status == 1 and expected in said
    assert machine.leftovers() == [] and not machine.venv.exists()


def test_the_notebooks_packages_lie_beside_the_environment(machine):
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == machine.run("notebook")[0] == 0
    assert "--require-hashes --target=build/notebook-packages.new." in machine.called()
    assert machine.run("notebook") == machine.run("venv") == (0, "")
    (machine.project / "requirements-notebook.txt").write_text("nbformat==5.11.2\n")
    (machine.project / "build/notebook-packages.new.999999").mkdir()  # of a run that was killed
    assert machine.run("notebook")[0] == 0
    assert os.listdir(machine.project / "build") == ["notebook-packages"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_is_recovered_from(machine, how):
    endless = f'touch "{machine.texmf}/pip"; while :; do sleep 0.05; done'
    machine.python("python3.13", "3.13", pip=endless)
    process = machine.start("venv")
    wait_until((machine.texmf / "pip").exists)
    os.killpg(process.pid, how)
    process.communicate(timeout=60)
    assert process.returncode != 0 and not machine.venv.exists()
    machine.python("python3.13", "3.13")
    assert machine.run("venv")[0] == 0
    assert set(machine.leftovers()) <= {f".venv.new.{process.pid}.log"}


def test_the_second_of_two_at_once_leaves_the_first_ones_environment(machine):
    pip = f"""mkdir "{machine.texmf}/one" 2>/dev/null && file=go || file=go_on
              while [ ! -f "{machine.texmf}/$file" ]; do sleep 0.05; done"""
    machine.python("python3.13", "3.13", pip=pip)
    first = machine.start("venv")
    wait_until((machine.texmf / "one").exists)
    second = machine.start("venv")
    wait_until(lambda: machine.called().count("-m pip") == 2)
    (machine.texmf / "go").touch()
    first.communicate(timeout=60)
    made = machine.venv.stat().st_ino
    (machine.texmf / "go_on").touch()
    second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert machine.venv.stat().st_ino == made and machine.leftovers() == []


# ---- the real venv and pip, without a network

WHEEL = {
    "thing.py": "value = 7\n",
    "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
    "thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    "thing-1.0.dist-info/RECORD": "thing.py,,\n",
}


@pytest.mark.slow
def test_a_real_environment_holds_what_the_hashes_name_and_nothing_else(machine):
    wheel = machine.texmf / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in WHEEL.items():
            archive.writestr(name, text)
    line = f"thing==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    offline = {
        "PYTHON": os.path.realpath(sys.executable),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(machine.texmf),
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
    }
    (machine.project / "requirements.txt").write_text(line)
    pinned = machine.project / "requirements-notebook.txt"
    pinned.write_text(re.sub("sha256:....", "sha256:0000", line))
    beside = machine.project / "build/notebook-packages"
    assert machine.run("venv", **offline)[0] == 0
    status, said = machine.run("notebook", **offline)
    assert status == 1 and "thing==1.0" in said and "HASHES" in said and not beside.exists()
    pinned.write_text(line)
    assert machine.run("notebook", **offline)[0] == 0
    assert (beside / "thing.py").read_text() == WHEEL["thing.py"]
    code = [machine.venv / "bin/python", "-c", "import thing; print(thing.value)"]
    assert subprocess.run(code, capture_output=True, text=True, check=True).stdout == "7\n"


# ---- TeX


def test_a_complete_tex_needs_nothing(machine):
    machine.tex()
    assert machine.run("tex") == (0, "")
    until_2025 = machine.texmf / "pdfmanagement-testphase.sty"
    (machine.texmf / "pdfmanagement.sty").rename(until_2025)
    assert machine.run("tex") == (0, "")


def test_what_is_missing_is_named(machine):
    machine.tex(without=["array.sty", wanted_of_tex()[-1]])
    status, said = machine.run("tex")
    assert status == 1 and f"TeX lacks array.sty {wanted_of_tex()[-1]}." in said
    for command in TEX_COMMANDS:
        machine.tex()
        (machine.bin / command).unlink()
        status, said = machine.run("tex")
        assert status == 1 and f"TeX lacks {command}." in said


def test_all_that_the_house_style_loads_is_on_the_list():
    style = (ROOT / "code/weaving/house.sty").read_text()
    loaded = re.findall(r"^\\RequirePackage(?:\[[^]]*\])?\{([^}]*)\}", style, re.MULTILINE)
    names = {f"{name}.sty" for name in ",".join(loaded).split(",")} - {"margin.sty"}
    assert len(names) > 15 and names <= set(wanted_of_tex())


# ---- what to type, by system


SYSTEMS = {  # by the command it has, or what `uname` prints: how it installs Python and TeX
    "apt-get": ("apt-get install --no-install-recommends python3.12-venv", "texlive-fonts-"),
    "dnf": ("dnf install python3", "texlive-collection-fontsrecommended"),
    "zypper": ("zypper install python3", "texlive-collection-fontsrecommended"),
    "pacman": ("pacman -S python", "texlive-fontsrecommended"),
    "Darwin": ("brew install python@3", "mactex"),
    "": ("uv python install 3", "perl install-tl"),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_systems_own_command_is_given(machine, system):
    python, tex = SYSTEMS[system]
    if system == "apt-get":
        machine.apt()
        machine.command("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    elif system == "Darwin":
        machine.command("uname", "echo Darwin")
    elif system:
        machine.command(system)
    status, said = machine.run("venv")
    assert status == 1 and python in said and tex in said and "README.md" in said
    status, said = machine.run("tex")
    assert status == 1 and tex.split()[-1] in said and "python" not in said
    assert machine.called() == "" and "password" not in said  # nothing was tried


def test_windows_is_sent_to_wsl(machine):
    machine.python("python3.13", "3.13")
    machine.command("uname", "echo MINGW64_NT-10.0")
    status, said = machine.run("venv")
    assert status == 1 and "wsl --install" in said and not machine.venv.exists()


def test_debian_brings_the_newest_python_that_it_has_or_the_modules_of_the_one_here(machine):
    for packages, package in [
        ("", " python3-venv "),  # no package lists yet
        ("python3-venv python3.9-venv", "uv python install"),
        ("python3-venv python3.11-venv python3.13-venv", " python3.13-venv "),
    ]:
        machine.apt(has=packages)
        assert package in machine.run("venv")[1], packages
    machine.python("python3", "3.11", has_venv=False)
    status, said = machine.run("venv")
    assert status == 1 and "Python 3.11 lacks venv" in said and " python3.11-venv " in said


def test_a_tex_live_of_its_own_is_mended_by_its_own_manager(machine):
    machine.tex(without=["natbib.sty"])
    machine.command("tlmgr")
    machine.apt()
    machine.command("id", "echo 0")
    status, said = machine.run("tex")
    assert status == 1 and f"\n    {machine.bin}/tlmgr install latexmk babel-english " in said
    assert machine.called() == ""  # apt-get would mend another TeX


# ---- Debian and Ubuntu install by themselves


def test_debian_installs_tex_where_sudo_asks_no_password(machine, tmp_path):
    ready = Machine(tmp_path / "ready")
    ready.texmf = machine.texmf
    ready.tex()
    commands = " ".join(str(ready.bin / name) for name in TEX_COMMANDS)
    machine.apt(install=f'cp {commands} "{machine.bin}"')
    machine.command("sudo", f'shift; echo "sudo $*" >> "{machine.calls}"; exec "$@"')
    assert machine.run("tex")[0] == 0
    calls = re.findall("^(?:apt-get|dpkg).*", machine.called(), re.MULTILINE)
    assert [call.split()[1] for call in calls] == ["update", "--configure", "install"]
    assert "--no-install-recommends" in calls[2] and machine.called().count("sudo env") == 3
    assert machine.run("tex") == (0, "")


def test_root_installs_venv_and_tex_in_one_go(machine):
    machine.python("with venv", "3.12")
    machine.python("python3.12", "3.12", has_venv=False)
    machine.apt(install=f'cp "{machine.bin}/with venv" {machine.bin}/python3.12')
    machine.command("id", "echo 0")
    assert machine.run("venv")[0] == 0 and (machine.venv / ".complete").exists()
    assert " python3.12-venv latexmk " in machine.called()


@pytest.mark.parametrize(
    "install, expected",
    [
        ("echo 'E: Unable to locate package x' >&2; exit 100", "E: Unable to locate package x"),
        ("exit 0", "still lacks natbib.sty"),
    ],
)
def test_an_installation_that_does_not_help_says_why(machine, install, expected):
    machine.tex(without=["natbib.sty"])
    machine.apt(install=install)
    machine.command("id", "echo 0")
    status, said = machine.run("tex")
    assert status == 1 and expected in said


# ---- shells


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox", "mksh"])
def test_other_shells_understand_it(machine, shell):
    if not shutil.which(shell):
        pytest.xfail(f"{shell} is not here")  # nor need it be, in continuous integration
    machine.shell = [shutil.which(shell), *["sh"] * (shell == "busybox")]
    machine.python("python3.13", "3.13")
    machine.tex(without=["natbib.sty"])
    assert machine.run("venv")[0] == 0 and machine.run("venv") == (0, "")
    assert "natbib.sty" in machine.run("tex")[1]
