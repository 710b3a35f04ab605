#!/bin/sh
# Runs a command in the environment that the vendor's set_env.sh files make, without losing what the pod itself sets:
#
#   with_vendor_env.sh [--source FILE]... -- command [argument]...
#
# The files are sourced in the order given. Then every variable of the pod has the pod's value again, and PATH,
# LD_LIBRARY_PATH and PYTHONPATH are the pod's entries followed by those that the files added, each once; Ascend's
# driver, where it is mounted, is the last of the libraries.
# Exit codes: 20 wrong usage, 30 a file cannot be read (the image is another than expected), else the command's own.
# Names begin with _wve_ because the sourced files share this shell's variables.

# The vendors' files are written for bash.
if [ -z "${BASH_VERSION:-}" ] && command -v bash >/dev/null 2>&1; then
  exec bash -- "$0" "$@"
fi

_wve_fail() {
  trap - EXIT
  echo "with_vendor_env.sh: $2" >&2
  printf '%s' "with_vendor_env.sh: $2" 2>/dev/null >"${TERMINATION_MESSAGE_PATH:-/dev/termination-log}"
  exit "$1"
}

# Appends to _wve_quoted its arguments as shell words that give them back byte by byte.
_wve_quote() {
  for _wve_word; do
    _wve_quoted="$_wve_quoted '"
    while :; do
      case $_wve_word in
        *\'*) _wve_quoted="$_wve_quoted${_wve_word%%\'*}'\\''"; _wve_word=${_wve_word#*\'} ;;
        *) break ;;
      esac
    done
    _wve_quoted="$_wve_quoted$_wve_word'"
  done
}

# Sets _wve_joined to the entries of all its arguments, each once, in order. An empty entry would mean the working
# directory and is only ever an accident of joining, so it is left out.
_wve_join() {
  _wve_joined=
  _wve_all=$1:$2
  IFS=:
  set -f
  for _wve_entry in $_wve_all; do
    case ":$_wve_joined::" in
      *":$_wve_entry:"*) ;;
      *) _wve_joined=${_wve_joined:+$_wve_joined:}$_wve_entry ;;
    esac
  done
  set +f
  unset IFS
}

_wve_usage='usage: with_vendor_env.sh [--source FILE]... -- command [argument]...'
_wve_quoted=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
  [ "$1" = --source ] || _wve_fail 20 "unknown argument '$1'; $_wve_usage"
  [ "$#" -gt 1 ] && [ "$2" != -- ] || _wve_fail 20 "--source needs a file; $_wve_usage"
  { [ -f "$2" ] && [ -r "$2" ]; } || _wve_fail 30 "cannot read '$2', which is to be sourced; the image has no such file"
  _wve_quote "$2"
  shift 2
done
[ "$#" -gt 1 ] || _wve_fail 20 "no command is given; $_wve_usage"
shift

_wve_files=$_wve_quoted
_wve_quoted=
_wve_quote "$@"
_wve_command=$_wve_quoted
_wve_folder=$(pwd)
_wve_pod=$(export -p)
_wve_path=${PATH:-}
_wve_libraries=${LD_LIBRARY_PATH:-}
_wve_python=${PYTHONPATH:-}

# The device plugin mounts the driver, which no set_env.sh knows, although some import what needs it; images name it
# where a login shell looks, if at all (Ascend/MindIE-Motor@5dfb024e .../deploy_scripts/boot_helper/boot.sh, too).
_wve_driver=/usr/local/Ascend/driver/lib64
if [ -d "$_wve_driver" ]; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$_wve_driver/driver:$_wve_driver/common"
fi

# At top level and without arguments: in a function `declare -x` would be local, and some set_env.sh read "$@".
eval "set -- $_wve_files"
while [ "$#" -gt 0 ]; do
  _wve_file=$1
  shift
  _wve_quoted=
  _wve_quote "$@"
  _wve_left=$_wve_quoted
  set --
  case $_wve_file in */*) ;; *) _wve_file=./$_wve_file ;; esac
  trap '_wve_fail 30 "sourcing $_wve_file ended the shell with code $?"' EXIT
  . "$_wve_file"
  # A file may have set options that make the rest end early.
  set +e +u
  eval "set -- $_wve_left"
done
trap - EXIT

_wve_vendor_path=${PATH:-}
_wve_vendor_libraries=${LD_LIBRARY_PATH:-}
_wve_vendor_python=${PYTHONPATH:-}
cd -- "$_wve_folder" || _wve_fail 30 "cannot return to '$_wve_folder'"
eval "$_wve_pod"

_wve_join "$_wve_path" "$_wve_vendor_path"
[ -z "$_wve_joined" ] || export PATH="$_wve_joined"
_wve_join "$_wve_libraries" "$_wve_vendor_libraries"
[ -z "$_wve_joined" ] || export LD_LIBRARY_PATH="$_wve_joined"
_wve_join "$_wve_python" "$_wve_vendor_python"
[ -z "$_wve_joined" ] || export PYTHONPATH="$_wve_joined"

eval "exec $_wve_command"
