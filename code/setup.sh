#!/bin/sh
# Sets up what the report needs. The Makefile calls it before each build; with nothing to do it takes milliseconds.
#   sh code/setup.sh venv   .venv, from requirements.txt with its hashes; PYTHON=... chooses the Python
#   sh code/setup.sh tex    TeX: is it complete? Debian and Ubuntu install it, where that asks for no password
#   sh code/setup.sh notebook   build/notebook-packages, from requirements-notebook.txt, for make notebook alone
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

# What the report asks of TeX; whatever else it comes to load belongs in this list.
tex_commands='latexmk pdflatex bibtex kpsewhich'
tex_files='pdflatex.fmt pdftex.map article.cls pdfmanagement-testphase.sty sRGB.icc plainnat.bst
    fontenc.sty lmodern.sty mathpazo.sty tgpagella.sty textcomp.sty upquote.sty amssymb.sty mathtools.sty amsthm.sty
    geometry.sty microtype.sty babel.sty british.ldf xcolor.sty graphicx.sty booktabs.sty array.sty fancyvrb.sty
    multicol.sty enumitem.sty longtable.sty natbib.sty tcolorbox.sty pgf.sty caption.sty etoolbox.sty titlesec.sty
    fancyhdr.sty needspace.sty accsupp.sty hyperref.sty cleveref.sty
    texgyrepagella-regular.otf qplr.pfb uplr8a.pfb fplmr.pfb cmex10.pfb lmtt10.pfb dummy-space.pfb'

# What provides it, by system.
debian_tex='latexmk texlive-latex-recommended texlive-fonts-recommended texlive-latex-extra lmodern tex-gyre fonts-texgyre'
debian_tex_size='about 150 MB to download, 500 MB on disk'
texlive_collections='collection-latexrecommended collection-latexextra collection-fontsrecommended'

say() { printf 'set-up: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Ends here if the disk has no room for $1, which needs about $2 MB: a message of ours instead of one of a tool half-way.
check_disk() {
    free=$(df -Pk . 2>/dev/null | sed -n '2s/^.* \([0-9][0-9]*\)  *[0-9]*% .*$/\1/p')
    if [ -n "$free" ] && [ "$free" -lt "$(($2 * 1000))" ]; then
        fail "the disk is full: $1 needs about $2 MB, $((free / 1000)) MB are free. Nothing was installed."
    fi
}

# ---- Python

# What .venv is made of: the Python, the machine and the requirements. .venv/.complete holds it, and is written last.
made_of() {
    "$1" -I -S -c 'import os, sys; print(sys.implementation.cache_tag, os.uname()[0], os.uname()[4])' 2>/dev/null || return 1
    cat "${2:-requirements.txt}"
}

venv_is_complete() {
    [ -s .venv/.complete ] && [ -s .venv/.contents ] || return 1
    made_of .venv/bin/python | cmp -s - .venv/.complete || return 1
    if [ -n "${PYTHON:-}" ]; then made_of "$PYTHON" | cmp -s - .venv/.complete || return 1; fi
    while IFS= read -r entry; do [ -e ".venv/$entry" ] || return 1; done < .venv/.contents
}

# Sets python to the first that will do. Else lacks_venv is the version of one that lacks only the modules to make .venv
# (as Debian ships it), and seen says what was found instead. Some commands of these names exist and do not run.
find_python() {
    python='' lacks_venv='' seen=''
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3; fi
    for candidate do
        can_make_venv=yes
        version=$("$candidate" -I -c 'import sys; print(sys.implementation.name, "%d.%d" % sys.version_info[:2])
import ensurepip, venv' 2>/dev/null) || can_make_venv=no
        case $version in
            'cpython 3.11' | 'cpython 3.12' | 'cpython 3.13')
                if [ $can_make_venv = yes ]; then python=$candidate; return 0; fi
                lacks_venv=${lacks_venv:-${version#* }} ;;
            ?*) seen="$seen${seen:+, }$candidate is $version" ;;
        esac
    done
    return 1
}

make_venv() {
    if ! find_python; then
        if [ -n "$lacks_venv" ]; then
            provide python "Python $lacks_venv is here, but lacks venv or ensurepip"
        elif [ -n "${PYTHON:-}" ]; then
            fail "PYTHON=$PYTHON will not do${seen:+ ($seen)}: CPython 3.11, 3.12 or 3.13 is needed"
        else
            provide python "CPython 3.11, 3.12 or 3.13 is needed, and none runs here${seen:+ ($seen)}"
        fi
        find_python || fail 'Python is installed, and still none can make .venv; PYTHON=/path/to/python3.12 chooses one'
    fi
    version=$("$python" -I -c 'import platform; print(platform.python_version())')
    check_disk .venv 250
    say "making .venv with Python $version and the packages of requirements.txt (about 50 MB to download)"

    # Made under another name, so that .venv is never half there and two builds can do this at once.
    for left in .venv.new.* .venv.old.*; do kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"; done
    new=.venv.new.$$ old=.venv.old.$$
    trap 'rm -rf "$new" "$old"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir -p "$new/tmp" 2>/dev/null || fail "cannot write in $PWD"
    echo '*' > "$new/.gitignore"
    log=$new/log
    export TMPDIR="$PWD/$new/tmp" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
    [ -w "${HOME:-/nowhere}" ] || export PIP_NO_CACHE_DIR=1
    "$python" -I -m venv "$new" >"$log" 2>&1 || fail "making .venv failed: $(tail -n 3 "$log")"
    pip_install "$new/bin/python" requirements.txt

    # The scripts would hold this folder's name. We call modules only, and without them .venv can be moved or copied.
    for script in "$new"/bin/*; do
        case ${script##*/} in python*) ;; *) rm -f "$script" ;; esac
    done
    rm -rf "$new/tmp" "$log"
    (cd "$new" && printf '%s\n' lib/python3.*/site-packages/*) > "$new/.contents"
    made_of "$new/bin/python" > "$new/.complete"
    if venv_is_complete; then return; fi  # a build beside this one was quicker
    if [ -e .venv ] || [ -L .venv ]; then mv .venv "$old" || true; fi
    mv "$new" .venv
    rm -rf ".venv/$new"  # where it ends if another build put its own there in between
}

# Not compiled: most modules are never imported, and the others are compiled when they are.
pip_install() {
    with=$1 requirements=$2
    shift 2
    "$with" -I -m pip install --quiet --no-compile --no-deps --only-binary :all: --require-hashes "$@" \
        -r "$requirements" >"$log" 2>&1 || fail "$(what_pip_met)"
}

what_pip_met() {
    case $requirements in requirements.txt) made=.venv needs=250 ;; *) made=$packages needs=300 ;; esac
    case $(cat "$log") in
        *'DO NOT MATCH THE HASHES'*)
            package=$(sed -n 's/^    \([^ ]*\) from .*/\1/p' "$log" | head -n 1)
            echo "$package as downloaded is not the file that $requirements names: the hashes differ. Nothing was" \
                'installed. Try again; if it stays so, your package index alters files.' ;;
        *'No space left on device'*) echo "the disk is full: $made needs about $needs MB. Nothing was installed." ;;
        *NewConnectionError* | *ConnectTimeout* | *ReadTimeout* | *NameResolutionError* | *ProxyError* | *SSLError* | \
            *'onnection broken'* | *'onnection refused'* | *'Network is unreachable'* | *'onnection aborted'*)
            echo "no network: $made needs the Python package index this once. Nothing was installed; connect, then run" \
                'make again.' ;;
        *) echo "pip could not install $requirements: $(grep '^ERROR' "$log" | tail -n 3 || tail -n 3 "$log")" ;;
    esac
}

# ---- make notebook

packages=build/notebook-packages

notebook_is_complete() { made_of .venv/bin/python requirements-notebook.txt | cmp -s - "$packages/.complete"; }

make_notebook_packages() {
    check_disk "$packages" 300
    say "making $packages from requirements-notebook.txt (about 50 MB to download)"
    new=$packages.new.$$
    for left in "$packages".new.*; do kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"; done
    trap 'rm -rf "$new"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir -p "$new/tmp" 2>/dev/null || fail "cannot write in $PWD"
    log=$new/log
    export TMPDIR="$PWD/$new/tmp" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
    [ -w "${HOME:-/nowhere}" ] || export PIP_NO_CACHE_DIR=1
    pip_install .venv/bin/python requirements-notebook.txt --target "$new/here"
    made_of .venv/bin/python requirements-notebook.txt > "$new/here/.complete"
    rm -rf "$packages"
    mv "$new/here" "$packages"
}

# ---- TeX

# build/tex.ok holds the list and each file's place, so that a second look is cheap and still sees what has gone.
tex_is_as_before() {
    for name in $tex_commands; do has "$name" || return 1; done
    [ -f build/tex.ok ] || return 1
    {
        IFS= read -r list || return 1
        [ "$list" = "$(echo $tex_files)" ] || return 1
        while IFS= read -r file; do [ -f "$file" ] || return 1; done
    } < build/tex.ok
}

# Sets missing, and found (the files' places).
look_at_tex() {
    missing='' found=''
    for name in $tex_commands; do has "$name" || missing="$missing $name"; done
    has kpsewhich || return 0
    found=$(kpsewhich -engine=pdftex $tex_files) || for name in $tex_files; do
        case "$found
" in
            *"/$name
"*) ;;
            *) missing="$missing $name" ;;
        esac
    done
}

some_of() { if [ $# -le 9 ]; then echo "$*"; else echo "$1 $2 $3 $4 $5 $6 and $(($# - 6)) more files"; fi; }

check_tex() {
    look_at_tex
    if [ -n "$missing" ]; then
        provide tex "TeX lacks $(some_of $missing)"
        look_at_tex
        [ -z "$missing" ] || fail "TeX is installed and still lacks $(some_of $missing). If files were deleted, put them back with
    sudo apt-get install --reinstall $debian_tex"
    fi
    { mkdir -p build && { echo $tex_files; printf '%s\n' "$found"; } > build/tex.ok.$$; } 2>/dev/null || {
        rm -f build/tex.ok.$$
        fail "cannot write build/tex.ok: is the disk full, or the folder read-only?"
    }
    mv build/tex.ok.$$ build/tex.ok
}

# ---- The system's packages

system() {
    if [ "$(uname -s)" = Darwin ]; then echo macos
    elif has apt-get; then echo debian
    elif has dnf; then echo fedora
    elif has pacman; then echo arch
    elif has zypper; then echo suse
    else echo other
    fi
}

# The package that brings a Python that will do, or the modules it lacks; none where the release has only others.
debian_python() {
    if [ -n "$lacks_venv" ]; then echo "python$lacks_venv-venv"; return; fi
    if ! apt-cache show python3-venv >/dev/null 2>&1; then echo python3-venv; return; fi  # no package lists yet
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then echo "python$version-venv"; return; fi
    done
}

# TeX Live that did not come from the system's packages: they would not mend it, its own manager does.
tlmgr_of_its_own() {
    case $(command -v pdflatex) in '' | /usr/bin/* | /bin/*) return 1 ;; esac
    tlmgr=$(command -v tlmgr) || return 1
    [ -w "${tlmgr%/*}" ] || tlmgr="sudo $tlmgr"
}

# The command that helps here, for python or tex.
remedy() {
    any_python='uv python install 3.13    # or pyenv, conda, python.org; then make PYTHON=/path/to/python3.13'
    apt='sudo apt-get install --no-install-recommends'
    if [ "$1" = tex ] && tlmgr_of_its_own; then echo "$tlmgr install latexmk $texlive_collections"; return; fi
    case $1:$(system) in
        python:macos) echo 'brew install python@3.13    # or https://www.python.org/downloads' ;;
        python:debian)
            package=$(debian_python)
            echo "${package:+$apt }${package:-$any_python}" ;;
        python:fedora) echo 'sudo dnf install python3.13' ;;
        python:suse) echo 'sudo zypper install python313' ;;
        python:*) echo "$any_python" ;;
        tex:macos) echo 'brew install --cask mactex-no-gui    # or https://tug.org/mactex; then open a new terminal' ;;
        tex:debian) echo "$apt $debian_tex" ;;
        tex:fedora) echo "sudo dnf install latexmk$(printf ' texlive-%s' $texlive_collections)" ;;
        tex:suse) echo "sudo zypper install texlive-latexmk$(printf ' texlive-%s' $texlive_collections)" ;;
        tex:arch) echo 'sudo pacman -S texlive-binextra texlive-latexrecommended texlive-latexextra texlive-fontsrecommended' ;;
        tex:*) echo "install TeX Live (https://tug.org/texlive), then: tlmgr install latexmk $texlive_collections" ;;
    esac
}

# Installs python or tex where Debian's packages can and no password is asked; elsewhere says what to type, and ends.
provide() {
    what=$1 why=$2
    if [ "$(system)" = debian ] && ! { [ "$what" = tex ] && tlmgr_of_its_own; } && may_install; then
        say "$why; reading the package lists"
        mkdir -p build
        log=build/setup.log
        as_root apt-get update >"$log" 2>&1 || true  # some other archive may be down: what we need decides
        if [ "$what" = tex ]; then packages=$debian_tex; else packages=$(debian_python); fi
        if [ -n "$packages" ]; then install_packages; return; fi
    fi
    if [ "$what" = python ]; then
        look_at_tex
        [ -z "$missing" ] || why="$why; and TeX lacks $(some_of $missing)" what='python tex'
    fi
    fail "$why. Type
$(for each in $what; do printf '    %s\n' "$(remedy "$each")"; done)
and run make again"
}

may_install() { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }

as_root() {
    set -- env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_packages() {
    as_root dpkg --configure -a >>"$log" 2>&1 || true  # an installation that was killed half-way
    plan=$(as_root apt-get install --assume-no --no-install-recommends $packages 2>/dev/null) || true  # it always says no
    case $plan in *'0 upgraded, 0 newly installed'*) return ;; esac
    size=$(printf '%s\n' "$plan" | sed -n -e 's/^Need to get \(.*\) of archives\.$/\1 to download,/p' \
        -e 's/^After this operation, \(.*\) of additional disk space will be used\.$/\1 on disk/p')
    if [ -z "$size" ] && [ "$what" = tex ]; then size=$debian_tex_size; fi
    say "installing $packages (without recommends${size:+: $(echo $size)})"
    as_root apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=600 $packages >>"$log" 2>&1 </dev/null ||
        fail "installing them failed: is there a network? build/setup.log ends with
$(grep '^E: ' "$log" | tail -n 3 || tail -n 3 "$log")"
}

case ${1:-} in
    venv) venv_is_complete || make_venv ;;
    tex) tex_is_as_before || check_tex ;;
    notebook) notebook_is_complete || make_notebook_packages ;;
    *) fail "usage: sh code/setup.sh venv | tex | notebook" ;;
esac
