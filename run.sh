#!/usr/bin/env bash
# ./run.sh [NAME] [--flag=value …]   run experiments/NAME (default: quickstart)
# ./run.sh distill --data=FILE …      your teacher, your student, your data
# ./run.sh distill_encoder --texts=FILE …   your sentence encoder, smaller, on your texts
# ./run.sh distill_lm --data=FILE …   a smaller decoder on your texts
# ./run.sh test [pytest options]     run the tests; with --slow those that are long and rare
# ./run.sh check                     lint, format and types of the code, as CI reads them
# ./run.sh docs [FOLDER]             make the site of docs/, in build/site
# ./run.sh list [WORKDIR]            the runs below runs/: state, settings, size, how to go on
# ./run.sh clean [WORKDIR]           show what runs keep for later ones, and remove it if wished
# ./run.sh report [WORKDIR]          one page of the runs below it, or of the committed records
# ./run.sh publish RUN_FOLDER        keep a finished run as a record and renew the READMEs
#   --why="…"                        where it takes the place of another record: the reason
# ./run.sh publish RUN --repeats     keep what of a record held at another base seed
# ./run.sh publish --readmes         renew the READMEs alone
# ./run.sh publish --figures         draw the records' figures again, without training
# ./run.sh reproduce NAME [--flag]   run a committed record's command again: do its intervals hold?
# ./run.sh install [EXTRA …]         install extras without running anything
# ./run.sh completion                what completes names and flags: eval "$(./run.sh completion)"
# ./run.sh --help                    list the experiments
#
# The first call makes .venv beside this file and installs what the command needs into it: the core
# (requirements.txt), the extras data and report of pyproject.toml, and those that an experiment's
# docstring names at "Needs:", in the tested versions of .ci/constraints.txt. Later calls only
# compare stamps. PYTHON chooses the interpreter (3.11 or later), KD_JAX_VENV another environment;
# an empty KD_JAX_CONSTRAINTS allows the newest versions.
set -euo pipefail

pwd -P >/dev/null 2>&1 || {
  echo "error: the working directory no longer exists: cd to one that does" >&2
  exit 2
}
here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
venv="${KD_JAX_VENV:-$here/.venv}"
constraints="${KD_JAX_CONSTRAINTS-$here/.ci/constraints.txt}"
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
export MPLCONFIGDIR="${MPLCONFIGDIR:-$venv/matplotlib}"

fail() {
  echo "error: $1" >&2
  exit 2
}

find_python() {
  local candidate
  for candidate in "$venv/bin/python" ${PYTHON:+"$PYTHON"} python3 python3.1{4,3,2,1} python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or later was not found; install it or set PYTHON=/path/to/python3.11"
}

# Whether an environment may be made in the folder, of which `$1` says why its Python does not run:
# nothing lies there, or the clone's own .venv, as this script made it, has lost its Python.
check_folder() {
  local instead="delete it, or name another folder in KD_JAX_VENV"
  local broken="the Python of $venv does not run (${1##*: })"
  [[ -e "$venv" || -L "$venv" ]] || return 0
  [[ -d "$venv" ]] || fail "$venv is no folder: name another in KD_JAX_VENV"
  [[ -r "$venv" && -x "$venv" ]] ||
    fail "$venv cannot be read (permission denied): name another folder in KD_JAX_VENV"
  [[ -n "$(ls -A -- "$venv")" ]] || return 0
  [[ -e "$venv/pyvenv.cfg" ]] ||
    fail "$venv holds files and is no virtual environment: name another folder in KD_JAX_VENV"
  [[ "$venv" == "$here/.venv" && ! -L "$venv" ]] &&
    grep -q -- ' -m venv --clear ' "$venv/pyvenv.cfg" || fail "$broken: $instead"
  [[ -w "$venv" ]] || fail "$broken, and it cannot be made again (permission denied): $instead"
  echo "$broken: it is made again" >&2
}

make_venv() {
  local python said
  said="$("$venv/bin/python" -I -S -c '' 2>&1)" && return
  check_folder "$said"
  python="$(find_python)" || exit 2
  said="$("$python" -m venv --clear "$venv" 2>&1)" && return
  case "$said" in
    *ensurepip* | *"No module named"*) said="on Debian: apt install python3-venv" ;;
    *) said="${said##*$'\n'}" ;;
  esac
  fail "no virtual environment could be made in $venv ($said)"
}

# What pip is to install for the core, an extra, or packages without what these ask for themselves.
packages() {
  "$venv/bin/python" - "$here" "$1" <<'END'
import sys, tomllib

folder, name = sys.argv[1:]
with open(f"{folder}/pyproject.toml", "rb") as file:
    settings = tomllib.load(file)
sets = {"core": ["-r", f"{folder}/requirements.txt"]}
sets |= settings["project"]["optional-dependencies"]
sets |= {key: ["--no-deps", *found] for key, found in settings["tool"]["kd_jax"]["no-deps"].items()}
if name not in sets:
    sys.exit(f"error: no extra is called '{name}'; there are: {', '.join(sets)}")
for line in sets[name]:  # "kd_jax[data,text]" is a list of other extras
    own = line.removeprefix("kd_jax[").removesuffix("]") if line.startswith("kd_jax[") else None
    print(*([package for extra in own.split(",") for package in sets[extra]] if own else [line]),
          sep="\n")
END
}

# pip of some packages; their bytecode is left to all cores together, which halves an installation.
pip_install() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    ${constraints:+--constraint "$constraints"} "$@"
}

# Any program that .venv's python runs imports kd_jax from here, as after `pip install -e .`, without
# its seconds. Not of another environment, which clones may share; theirs is PYTHONPATH's.
link_clone() {
  [[ "$venv" == "$here/.venv" ]] || return 0
  local site found
  for site in "$venv"/lib/python3.*/site-packages; do
    found=""
    [[ -r "$site/kd_jax.pth" ]] && found="$(<"$site/kd_jax.pth")"
    [[ "$found" == "$here" || ! -w "$site" ]] || printf '%s\n' "$here" >"$site/kd_jax.pth"
  done
}

# The stamp of an extra holds what decides it; stamps are written last, so that a broken
# installation is repeated.
install() {
  make_venv
  link_clone
  local name line lines wanted missing=() together=() alone=()
  wanted="$(cat -- "$here/requirements.txt" "$here/pyproject.toml" ${constraints:+"$constraints"})"
  for name in core "$@"; do
    if [[ "$wanted" == "$(cat -- "$venv/installed-$name" 2>/dev/null)" ]]; then
      continue
    fi
    lines="$(packages "$name")" || exit 2
    missing+=("$name")
    while IFS= read -r line; do
      case "$lines" in --no-deps*) alone+=("$line") ;; *) together+=("$line") ;; esac
    done <<<"$lines"
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  echo "installing ${missing[*]} into $venv (once, a few minutes at most)" >&2
  "$venv/bin/python" -c 'import pip' 2>/dev/null || # uv makes environments without it
    "$venv/bin/python" -m ensurepip >/dev/null || fail "$venv has no pip; delete it and try again"
  { [[ ${#together[@]} -eq 0 ]] || pip_install "${together[@]}"; } &&
    { [[ ${#alone[@]} -eq 0 ]] || pip_install "${alone[@]}"; } ||
    fail "installing ${missing[*]} failed; the lines above say why, and the same command tries again"
  "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null 2>&1 || true # some are templates
  for name in "${missing[@]}"; do printf '%s\n' "$wanted" >"$venv/installed-$name"; done
}

list_experiments() {
  "$(find_python)" -m experiments "$@"
}

report() {
  install data report
  PYTHONSAFEPATH=1 exec "$venv/bin/python" -m "kd_jax.report.$1" "${@:2}"
}

name="${1:-quickstart}"
log="" # the extra of --log, where curves go besides
if [[ " $* " == *" --log"* ]]; then log="log"; fi
reproduce=""
case " ${*:2} " in
  *" --help "* | *" -h "*) # of whatever it is, which installs nothing
    [[ "$name" == -* ]] && set -- quickstart "$@"
    list_experiments "$@"
    exit
    ;;
esac
case "$name" in
  -h | --help | completion)
    list_experiments "$@"
    exit
    ;;
  test)
    shift
    install data report test
    cd -- "$here"
    unset PYTHONDONTWRITEBYTECODE # tests are many processes, which read the same modules
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
    install data report check
    cd -- "$here"
    "$venv/bin/ruff" check .
    "$venv/bin/ruff" format --check .
    exec "$venv/bin/mypy" kd_jax experiments
    ;;
  docs)
    install data report docs
    cd -- "$here"
    "$venv/bin/python" -m sphinx -q -W --keep-going -b html docs "${2:-build/site}"
    echo "${2:-build/site}/index.html"
    exit
    ;;
  install)
    install "${@:2}"
    exit
    ;;
  distill)
    install data report export onnx $log
    PYTHONSAFEPATH=1 exec "$venv/bin/python" -m kd_jax.command "$@"
    ;;
  distill_encoder)
    # shellcheck disable=SC2046 # nothing, or the name of an extra
    install data report text weights $log $([[ " $* " == *" --onnx"* ]] && echo export)
    PYTHONSAFEPATH=1 exec "$venv/bin/python" -m kd_jax.command "$@"
    ;;
  distill_lm)
    install data report export text $log $([[ " $*" == *" --teacher"* ]] || echo weights)
    PYTHONSAFEPATH=1 exec "$venv/bin/python" -m kd_jax.command "$@"
    ;;
  list) report list_runs "${@:2}" ;;
  clean)
    install data report
    PYTHONSAFEPATH=1 exec "$venv/bin/python" -m kd_jax.command.clean "${@:2}"
    ;;
  report) report page "${@:2}" ;;
  publish) report publishing.publish "${@:2}" ;;
  -*) name=quickstart ;; # flags alone: they are the quickstart's
  reproduce) # an experiment, which installs what it needs
    reproduce=1
    shift
    name="${1:-}"
    shift || true
    ;;
  *) shift || true ;;
esac
if [[ ! "$name" =~ ^[a-z][a-z0-9_]*$ || ! -f "$here/experiments/$name/run.py" ]]; then
  list_experiments "$name"
  exit 2
fi
# shellcheck disable=SC2046 # the docstring names extras, with spaces between them
install data report $log $(sed -n 's/^Needs: *//p' "$here/experiments/$name/__init__.py")
PYTHONSAFEPATH=1 exec "$venv/bin/python" -m experiments ${reproduce:+reproduce} "$name" "$@"
