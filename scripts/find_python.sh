#!/bin/sh
# Prints the newest Python that this project runs on (>= 3.12, < 3.14), or says what to install.
#
# A name on the PATH proves nothing: pyenv's shims exist for versions that are not switched on, and
# Debian ships Python without ensurepip. So each candidate is run and asked.
set -u

ask='
import sys
ok = (3, 12) <= sys.version_info[:2] < (3, 14)
if ok:
    import ensurepip, venv
    print("%d.%03d.%03d" % sys.version_info[:3], sys.executable)
sys.exit(not ok)
'

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    for name in python3.13 python3.12 python3 python; do
        command -v "$name"
    done
    for file in \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23]*/bin/python \
        "${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/python}"/cpython-3.1[23]*/bin/python3 \
        "$HOME"/.local/bin/python3.1[23] \
        /usr/local/bin/python3.1[23] \
        /opt/homebrew/bin/python3.1[23] \
        /home/linuxbrew/.linuxbrew/bin/python3.1[23] \
        /Library/Frameworks/Python.framework/Versions/3.1[23]/bin/python3; do
        [ -x "$file" ] && echo "$file"
    done
    return 0
}

best=$(candidates | while IFS= read -r candidate; do
    "$candidate" -c "$ask" 2>/dev/null </dev/null
done | sort -r | head -n 1)

if [ -n "$best" ]; then
    echo "${best#* }"
    exit 0
fi

{
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON is not a Python 3.12 or 3.13 with venv and ensurepip."
    else
        echo "No Python 3.12 or 3.13 with venv and ensurepip was found; python3 here is: $(python3 --version 2>&1 || echo none)."
    fi
    echo "Install one, for example with one of these, and run make again:"
    echo "  Debian, Ubuntu   sudo apt install python3.12 python3.12-venv"
    echo "  macOS            brew install python@3.12"
    echo "  anywhere         uv python install 3.12      or      pyenv install 3.12"
    echo "Or name one yourself: make PYTHON=/path/to/python3.12"
} >&2
exit 1
