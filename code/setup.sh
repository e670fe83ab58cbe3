#!/bin/sh
# Sets up what the documents need. The Makefile calls it before each build; if nothing is missing it
# takes milliseconds.
#   sh code/setup.sh STAGE ...
#   venv       .venv from requirements.txt; PYTHON=... chooses the Python
#   tex        is TeX complete? apt-get installs it, where no password is needed
#   notebook   build/notebook-packages from its requirements; lint likewise
set -eu
CDPATH='' cd -- "${0%/*}/.."

versions='3.14 3.13 3.12 3.11'
tex_commands='latexmk pdflatex bibtex kpsewhich'
tex_files='pdflatex.fmt pdftex.map article.cls pdfmanagement.sty sRGB.icc plainnat.bst fontenc.sty
    lmodern.sty mathpazo.sty tgpagella.sty textcomp.sty amssymb.sty mathtools.sty amsthm.sty
    geometry.sty microtype.sty babel.sty british.ldf xcolor.sty graphicx.sty booktabs.sty array.sty
    fancyvrb.sty longtable.sty multicol.sty natbib.sty hyperref.sty texgyrepagella-regular.otf
    qplr.pfb uplr8a.pfb fplmr.pfb cmex10.pfb lmtt10.pfb dummy-space.pfb'
debian_tex='latexmk texlive-latex-recommended texlive-fonts-recommended'
debian_tex="$debian_tex lmodern tex-gyre fonts-texgyre"
arch_tex='texlive-binextra texlive-latexrecommended texlive-fontsrecommended'
rpm_tex='texlive-collection-latexrecommended texlive-collection-fontsrecommended'
tlmgr_tex='latexmk babel-english collection-latexrecommended collection-fontsrecommended'
uv='
    uv python install 3.13    # from https://docs.astral.sh/uv; it may need
                              # make PYTHON="$(uv python find 3.13)"'
lacks_venv=''

say() { printf 'set-up: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with its output in $log; a terminal is shown the last line of it meanwhile.
run() {
    ticker='' status=0
    if [ -t 2 ]; then
        while sleep 1; do printf '\r\033[K  %.70s' "$(tail -n 1 "$log")" >&2; done &
        ticker=$!
    fi
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if [ -n "$ticker" ]; then
        { kill "$ticker" && wait "$ticker"; } 2>/dev/null || true
        printf '\r\033[K' >&2
    fi
    return $status
}

# ---- Python's packages

# What a folder of packages was made of: the Python, the machine, the pinned requirements.
made_of() {
    "$1" -I -S -c 'import os, sys; print(sys.implementation.cache_tag, *os.uname()[::4])' \
        2>/dev/null && cat "$2"
}
# is_complete FOLDER REQUIREMENTS PYTHON
is_complete() { [ -s "$1/.complete" ] && made_of "$3" "$2" | cmp -s - "$1/.complete"; }

# make_packages FOLDER REQUIREMENTS PYTHON: under another name first, so that none is half-made.
make_packages() {
    folder=$1 requirements=$2 python=$3 new=$1.new.$$
    for left in "$folder".new.*; do  # of runs that were killed
        kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
    done
    trap 'rm -rf "$new" "$new.log"' EXIT
    trap 'exit 130' INT TERM HUP
    mkdir -p "$new" 2>/dev/null || fail "cannot write $PWD/$new"
    log=$new.log
    say "making $folder from $requirements with $("$python" --version): up to 50 MB to download"
    if [ "$folder" = .venv ]; then
        run "$python" -I -m venv "$new" || fail "python -m venv failed: $(tail -n 3 "$log")"
        python=$new/bin/python target=''
    else
        target="--target=$new"
    fi
    # Not compiled: most modules are never imported, and the others are compiled when they are.
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 run "$python" -I -m pip install --no-compile \
        --no-deps --only-binary :all: --require-hashes ${target:+"$target"} -r "$requirements" ||
        fail "$(why_pip_failed)"
    made_of "$python" "$requirements" > "$new/.complete"
    if ! is_complete "$folder" "$requirements" .venv/bin/python; then  # else another was quicker
        rm -rf "$folder"
        mv "$new" "$folder"
    fi
}

why_pip_failed() {
    case $(cat "$log") in *ConnectionError* | *Timeout* | *ResolutionError* | *ProxyError* | \
            *SSLError* | *'onnection broken'* | *'onnection refused'* | *unreachable*)
        echo "no network: $folder needs the Python package index this once. Nothing was installed."
        return ;;
    esac
    echo "pip could not install $requirements. Nothing was installed. It says"
    grep -A 9 '^ERROR' "$log" || tail -n 3 "$log"
}

# Sets python to the first that can make .venv. Else lacks_venv is the version of one that lacks
# only the modules for it (as Debian packs it), and seen what was found instead.
find_python() {
    python='' lacks_venv='' seen=''
    set -- "${PYTHON:-}" $(printf 'python%s ' $versions) python3
    if [ -n "$1" ]; then set -- "$1"; else shift; fi
    for candidate do
        can_make_venv=yes
        version=$("$candidate" -I -c 'import sys
print(sys.implementation.name, "%d.%d" % sys.version_info[:2])
import ensurepip, venv' 2>/dev/null) || can_make_venv=no  # some of these cannot even be run
        case " $versions " in
            *" ${version#cpython } "*)
                if [ $can_make_venv = yes ]; then python=$candidate; return 0; fi
                lacks_venv=${lacks_venv:-${version#cpython }} ;;
            *) seen="$seen${version:+, $candidate is $version}" ;;
        esac
    done
    return 1
}

make_venv() {
    [ "$(system)" != windows ] || fail 'Windows is supported through WSL. In PowerShell, type
    wsl --install
and run make in the Linux that it brings.'
    if ! find_python; then
        why="CPython 3.11 to 3.14 is needed${seen:-, and none was found}"
        [ -z "$lacks_venv" ] || why="Python $lacks_venv lacks venv or ensurepip"
        [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON cannot be used: $why"
        look_at_tex
        provide "$why${missing:+; TeX lacks$missing}" python ${missing:+tex}  # in one go
        find_python || fail 'still no Python can make .venv; choose: make PYTHON=/path/to/python'
    fi
    make_packages .venv requirements.txt "$python"
}

# ---- TeX, and the system's packages

# Sets missing. Until TeX Live 2025 pdfmanagement was pdfmanagement-testphase.
look_at_tex() {
    missing=''
    for name in $tex_commands; do has "$name" || missing="$missing $name"; done
    has kpsewhich || return 0
    found=$(kpsewhich -engine=pdftex $tex_files pdfmanagement-testphase.sty) || true
    found=" $(printf '%s' "$found" | sed -e 's/-testphase//g' -e 's/.*\///' | tr '\n' ' ') "
    for name in $tex_files; do
        case $found in *" $name "*) ;; *) missing="$missing $name" ;; esac
    done
}

check_tex() {
    look_at_tex
    [ -n "$missing" ] || return 0
    provide "TeX lacks$missing" tex
    look_at_tex
    [ -z "$missing" ] || fail "TeX is installed, but still lacks$missing. Restore deleted files with
    ${sudo}apt-get install --reinstall" $debian_tex
}

system() {
    case $(uname -s) in
        Darwin) echo macos; return ;;
        MINGW* | MSYS* | CYGWIN*) echo windows; return ;;
    esac
    for name in apt-get dnf pacman zypper; do if has $name; then echo $name; return; fi; done
}

# remedy python|tex ...: sets packages, which the system's package manager brings; install, its
# command; and others, the commands for what it cannot bring.
remedy() {
    packages='' others=''
    case $(system) in   # its command               Python      TeX
        apt-get) from "${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends" \
                                                    "$(debian_python)" "$debian_tex" ;;
        dnf)     from "${sudo}dnf install"          python3.12  "latexmk $rpm_tex" ;;
        zypper)  from "${sudo}zypper install"       python313   "texlive-latexmk $rpm_tex" ;;
        pacman)  from "${sudo}pacman -S"            python      "$arch_tex" ;;
        macos)   from 'brew install'                python@3.13 \
                     'mactex-no-gui    # then open a new terminal' ;;
        *)       from '' '' '' ;;
    esac
    for wanted do
        case $wanted in
            python) if [ -n "$for_python" ]; then packages=$for_python; else others=$uv; fi ;;
            tex) if own_tlmgr; then others="$others
    $tlmgr install $tlmgr_tex"
                elif [ -n "$for_tex" ]; then packages="$packages $for_tex"
                else others="$others
    perl install-tl    # from https://tug.org/texlive/quickinstall.html"; fi ;;
        esac
    done
    packages=${packages# }
}

from() { install=$1 for_python=$2 for_tex=$3; }

# The package that brings a Python, or the modules it lacks; none if the release has only others.
debian_python() {
    if [ -n "$lacks_venv" ]; then echo "python$lacks_venv-venv"; return; fi
    has_package() { apt-cache show "$1" >/dev/null 2>&1; }
    has_package python3-venv || { echo python3-venv; return; }  # no package lists yet
    for version in $versions; do
        if has_package "python$version-venv"; then echo "python$version-venv"; return; fi
    done
}

# Did TeX Live's own installer bring this TeX? Then its manager mends it, not the system's.
own_tlmgr() {
    tlmgr=$(command -v tlmgr) || return 1
    case "$tlmgr $(command -v pdflatex)" in /usr/bin/* | /bin/* | *' /usr/bin/'* | *' /bin/'*)
        return 1 ;;
    esac
    [ -w "${tlmgr%/*}" ] || tlmgr="$sudo$tlmgr"
}

# provide WHY python|tex ...: installs it if apt-get can without a password; else says what to type.
provide() {
    why=$1; shift
    if [ "$(id -u)" = 0 ]; then sudo=''; else sudo='sudo '; fi
    remedy "$@"
    if [ "$(system)" = apt-get ] && [ -z "$others" ] &&
        { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }; then
        mkdir -p build
        log=build/setup.log
        say "$why; reading the package lists"
        as_root apt-get update || true  # another archive may be down: what we need decides
        remedy "$@"  # the lists may name another Python
        if [ -z "$others" ]; then apt_install $packages; return; fi
    fi
    fail "$why. Type${packages:+
    $install $packages}${others:+$others}
and run make again. Without root: see Platforms in README.md."
}

as_root() { run ${sudo:+sudo -n} env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

apt_install() {
    say "installing $*; this takes a minute or two"
    as_root dpkg --configure -a || true  # repairs an installation that was killed
    as_root apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=600 "$@" ||
        fail "apt-get failed, is there a network? build/setup.log ends with
$(grep '^E: ' "$log" | tail -n 3)"
}

[ $# -gt 0 ] || set -- none
for stage do
    case $stage in
        venv)
            { [ -z "${PYTHON:-}" ] || is_complete .venv requirements.txt "$PYTHON"; } &&
                is_complete .venv requirements.txt .venv/bin/python || make_venv ;;
        tex) check_tex ;;
        notebook | lint)
            set -- "build/$stage-packages" "requirements-$stage.txt" .venv/bin/python
            is_complete "$@" || make_packages "$@" ;;
        *) fail 'usage: sh code/setup.sh venv | tex | notebook | lint ...' ;;
    esac
done
