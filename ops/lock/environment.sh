# shellcheck shell=sh
# From a lock to an environment: sourced by the launchers in ops/bin, which set $root; never run by itself.
#
#   environment NAME    sets $python to an interpreter that has exactly what ops/lock/NAME.txt pins,
#                       making its environment first if there is none yet
#
# An environment holds dependencies only, never Aurora TUI itself, so that all checkouts with the same lock
# share one. It lives in ${XDG_CACHE_HOME:-~/.cache}/aurora-tui/env-<lock's sha256>-<python's tag> and is whole
# once it holds `.ready`; without that file it is made anew. Finding one costs a single sha256sum.

me=${0##*/}
pythons='CPython 3.11 to 3.14' # what the locks are made for: [tool.uv] in pyproject.toml

# A file opened while stdin is closed would become stdin.
{ true <&0; } 2>/dev/null || exec </dev/null
# The environment brings its own modules; someone else's must not get in before them.
unset PYTHONHOME PYTHONPATH

say() {
    printf '%s: %s\n' "$me" "$1" >&2
}

# give_up WHAT LINE...: what happened to what, then what to do; exit 69 (EX_UNAVAILABLE, sysexits.h)
give_up() {
    say "$1"
    shift
    [ $# = 0 ] || printf '  %s\n' "$@" >&2
    exit 69
}

environment() {
    lock=$root/ops/lock/$1.txt
    case $root in
        *:*) give_up "a colon in the checkout's path separates entries of PYTHONPATH: $root" "Move or clone it to a path without one." ;;
    esac
    [ -r "$lock" ] || give_up "cannot read $lock." "The checkout is not whole: git checkout -- ops/lock"
    hash=$(sha256sum <"$lock") || give_up "sha256sum failed on $lock." "It comes with: apt install coreutils"
    hash=${hash%"${hash#????????????}"}

    case ${XDG_CACHE_HOME:-} in
        /*) cache=$XDG_CACHE_HOME/aurora-tui ;; # a relative one is invalid (XDG Base Directory Specification)
        *)
            [ "${HOME:-}" ] || give_up "HOME is not set, so there is no place for the environment." \
                "Set HOME, or XDG_CACHE_HOME, to a folder that you may write to."
            cache=$HOME/.cache/aurora-tui
            ;;
    esac

    for python in "$cache/env-$hash"-*/bin/python; do
        if [ -x "$python" ] && [ -e "${python%/bin/python}/.ready" ]; then
            return
        fi
    done
    make_environment
}

# Sets $base (the interpreter itself, not a link that an upgrade turns elsewhere), $version and $tag.
find_python() {
    found=
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        command -v "$name" >/dev/null 2>&1 || continue
        facts=$("$name" -I -c 'import os, sys
base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
print("%d.%d %s %s" % (sys.version_info[0], sys.version_info[1], sys.implementation.cache_tag, base))' 2>/dev/null) || continue
        version=${facts%% *}
        base=${facts#* * }
        tag=${facts#* }
        tag=${tag%% *}
        case $tag in
            cpython-311 | cpython-312 | cpython-313 | cpython-314) return ;;
        esac
        found="$found$name is $tag, Python $version ($base). "
    done
    give_up "no Python that Aurora TUI runs on: it needs $pythons." "${found:-There is no python3 on PATH. }" \
        "Debian 12 or newer, Ubuntu 24.04 or newer: apt install python3 python3-venv" \
        "A newer python3.X beside an older python3 is found by itself once it is on PATH."
}

make_environment() {
    find_python
    "$base" -I -c 'import ensurepip, venv' 2>/dev/null ||
        give_up "Python $version ($base) cannot make an environment: its venv module is missing." \
            "Debian, Ubuntu: apt install python3-venv   (python$version-venv if that is not python3)"

    env=$cache/env-$hash-$tag
    python=$env/bin/python
    mkdir -p "$cache" 2>/dev/null && { true >>"$env.lock"; } 2>/dev/null ||
        give_up "cannot write to $cache, where the environment goes." \
            "Make that folder writable, or set XDG_CACHE_HOME to one that is."

    # Two starts at once: the second waits, and finds it done. The kernel drops the lock with its holder.
    exec 9>>"$env.lock"
    if ! flock -n 9; then
        say "waiting for another start that is preparing the environment…"
        flock 9 || give_up "cannot lock $env.lock." "flock comes with: apt install util-linux"
    fi
    if [ ! -x "$python" ] || [ ! -e "$env/.ready" ]; then
        say "Preparing Aurora TUI's environment (once)…"
        if ! fill_environment </dev/null >"$env.log" 2>&1 9>&-; then
            why=$(tail -n 12 "$env.log")
            hint="All of it: $env.log"
            if grep -qiE 'connection|timed? ?out|resolve|resolution|unreachable|certificate|proxy' "$env.log"; then
                hint="The package index could not be reached, it seems: check the network, HTTPS_PROXY, PIP_CERT
  and PIP_INDEX_URL (any pip setting works). $hint"
            fi
            give_up "could not install $lock into $env:" "$why" "$hint"
        fi
        true >"$env/.ready"
        rm -f "$env.log"
    fi
    exec 9>&-
}

fill_environment() {
    # pip settings that send packages elsewhere, or ask for more than the lock has.
    unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIREMENT PIP_CONSTRAINT PIP_NO_BINARY PIP_EDITABLE
    export PIP_USER=0
    rm -rf "$env" &&
        "$base" -I -m venv "$env" &&
        "$python" -I -m pip --disable-pip-version-check --no-input --retries 2 install --require-hashes \
            --only-binary :all: --no-compile --progress-bar off -r "$lock" || return
    # On all processors, which pip does not. A package may carry a file that does not compile, on purpose.
    "$python" -I -m compileall -q -j 0 "$env/lib" || true
}
