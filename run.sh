#!/usr/bin/env bash
# ./run.sh [NAME] [--flag=value …]   run experiments/NAME (default: quickstart)
# ./run.sh test [pytest options]     run the tests
# ./run.sh check                     lint, format and types of the code, as CI reads them
# ./run.sh list [WORKDIR]            the runs below runs/, their state, how to go on or delete them
# ./run.sh report [WORKDIR]          one page of the runs below it, or of the committed records
# ./run.sh publish RUN_FOLDER        keep a finished run as a record and renew the README
# ./run.sh --help                    list the experiments
#
# The first call makes .venv beside this file and installs requirements.txt into it; later calls
# only compare a stamp. PYTHON chooses the interpreter (3.11 or later).
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
venv="$here/.venv"
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
export MPLCONFIGDIR="${MPLCONFIGDIR:-$venv/matplotlib}"

fail() {
  echo "error: $1" >&2
  exit 2
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or later was not found; install it or set PYTHON=/path/to/python3.11"
}

# The stamp holds what was installed; it is written last, so a broken installation is repeated.
install() {
  local stamp="$venv/installed-${1##*/}"
  if [[ -x "$venv/bin/python" ]] && cmp -s "$1" "$stamp"; then
    return
  fi
  local python
  python="$(find_python)"
  echo "installing ${1##*/} into $venv (once, a few minutes at most)" >&2
  [[ -x "$venv/bin/python" ]] || "$python" -m venv --clear "$venv" ||
    fail "no virtual environment could be made in $venv (on Debian: apt install python3-venv)"
  local options # of pip, which a file may name for itself
  options="$(sed -n 's/^# pip: *//p' "$1")"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $options -r "$1" ||
    fail "installing ${1##*/} failed; the lines above say why, and the same command tries again"
  cp -- "$1" "$stamp"
}

list_experiments() {
  "$(find_python)" "$here/experiments" "$@"
}

report() {
  install "$here/requirements.txt"
  exec "$venv/bin/python" -m "kd_jax.report.$1" "${@:2}"
}

name="${1:-quickstart}"
case "$name" in
  -h | --help)
    list_experiments
    exit
    ;;
  test)
    shift
    install "$here/requirements.txt"
    cd -- "$here"
    # Most of a test is compilation, which keeps one core busy: a process per core, and XLA's
    # optimisations off unless 0 asks for them; they change speed, not what is computed.
    export JAX_DISABLE_MOST_OPTIMIZATIONS="${JAX_DISABLE_MOST_OPTIMIZATIONS-1}"
    # With them off these halve compilation; a version that knows them not refuses to start.
    quick="--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    if [[ -z "${XLA_FLAGS:-}" && "$JAX_DISABLE_MOST_OPTIMIZATIONS" != 0 ]] &&
      XLA_FLAGS="$quick" "$venv/bin/python" -c 'import jax; jax.devices()' 2>/dev/null; then
      export XLA_FLAGS="$quick"
    fi
    exec "$venv/bin/python" -m pytest -n auto --dist loadfile --no-loadscope-reorder "$@"
    ;;
  check)
    install "$here/requirements.txt"
    install "$here/tests/requirements-dev.txt"
    cd -- "$here"
    "$venv/bin/ruff" check .
    "$venv/bin/ruff" format --check .
    exec "$venv/bin/mypy" kd_jax experiments
    ;;
  list) report runs "${@:2}" ;;
  report) report page "${@:2}" ;;
  publish) report publish "${@:2}" ;;
  -*) name=quickstart ;; # flags alone: they are the quickstart's
  *) shift || true ;;
esac
if [[ ! "$name" =~ ^[a-z][a-z0-9_]*$ || ! -f "$here/experiments/$name/run.py" ]]; then
  list_experiments "$name"
  exit 2
fi
install "$here/requirements.txt"
# what an experiment needs beyond that stands in its docstring
for extra in $(sed -n 's/^Needs: *//p' "$here/experiments/$name/__init__.py"); do
  install "$here/experiments/$extra"
done
exec "$venv/bin/python" -m experiments "$name" "$@"
