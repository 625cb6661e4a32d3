#!/bin/bash
# Install what demo and tests need: Debian packages that are missing, and Tamis in .venv.
# Says first what it is going to do and asks; YES=1, or no terminal on stdin, answers yes.
# Quick and silent when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

python=${PYTHON:-/usr/bin/python3}
stamp=.venv/.installed
compiled_stamp=.venv/.compiled

missing_packages() {
    local package
    while read -r package _; do
        case $package in '' | '#'*) continue ;; esac
        # shellcheck disable=SC2016  # the variable is dpkg-query's
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            echo "$package"
        fi
    done <scripts/debian-packages.txt
}

# What .venv was made from: a change of any of it makes .venv out of date.
wanted_stamp() {
    sha256sum pyproject.toml setup.cfg
    echo "$python" "$("$python" --version 2>/dev/null || echo missing)" "$PWD"
}

# What the compiled modules were made from: they are made anew by themselves.
wanted_compiled() {
    sha256sum setup.py */*.pyx tamis/*/*.pyx
}

mapfile -t missing < <(missing_packages)
venv_ready=no
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted_stamp)" ]; then
    venv_ready=yes
fi
if [ ${#missing[@]} -eq 0 ] && [ "$venv_ready" = yes ]; then
    if [ "$(cat "$compiled_stamp" 2>/dev/null)" != "$(wanted_compiled)" ]; then
        .venv/bin/python setup.py -q build_ext --inplace --force
        wanted_compiled >"$compiled_stamp"
    fi
    exit 0
fi

echo "Setup is going to install"
if [ ${#missing[@]} -gt 0 ]; then
    echo "  these Debian packages, with apt-get; none of their services is started: ${missing[*]}"
fi
if [ "$venv_ready" = no ]; then
    echo "  Tamis and the Python packages that pyproject.toml names, in $PWD/.venv"
fi
if [ "${YES:-}" != 1 ] && [ -t 0 ]; then
    read -r -p "Go on? [y/N] " answer
    case $answer in [yY]*) ;; *) echo "Nothing was installed." && exit 1 ;; esac
fi

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ]; then
        scripts/install-packages.sh "${missing[@]}"
    elif command -v sudo >/dev/null && sudo true; then
        sudo scripts/install-packages.sh "${missing[@]}"
    else
        echo "setup: root is needed, once: apt-get install ${missing[*]}" >&2
        exit 1
    fi
fi

if [ "$venv_ready" = no ]; then
    if [ ! -x "$python" ] && ! command -v "$python" >/dev/null; then
        echo "setup: there is no $python: name another with PYTHON=" >&2
        exit 1
    fi
    echo "Installing Tamis in .venv"
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install -qq --disable-pip-version-check -e '.[test]'
    wanted_compiled >"$compiled_stamp"
    wanted_stamp >"$stamp"
fi
