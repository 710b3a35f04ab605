# Sourced by the scripts beside it: where what they make is kept, keyed by the content of what it is made of.
# shellcheck shell=bash

cluster_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm

# key FILE...: a short digest of the files' names and contents
key() { (cd "$cluster_dir" && for f in "$@"; do echo "$f"; cat "$f"; done) | sha256sum | cut -c1-12; }

# cached NAME-KEY COMMAND...: prints the folder $cache_root/NAME-KEY; if it is not there, COMMAND fills a folder
# whose name it gets as its last argument, which takes the final name only when COMMAND ends well. Folders of
# the same NAME that nobody used for two weeks are removed.
cached() {
  local folder=$cache_root/$1 lock status; shift
  if [ ! -e "$folder" ]; then
    mkdir -p "$cache_root"
    exec {lock}>"$folder.lock"
    flock "$lock" # somebody else may be making the same
    if [ ! -e "$folder" ]; then
      rm -rf "$folder.partial"; mkdir "$folder.partial"
      set +e # a command after `||` would go on after its first fault
      (set -e; "$@" "$folder.partial" >&2); status=$?
      set -e
      if [ "$status" != 0 ]; then rm -rf "$folder.partial"; return "$status"; fi
      mv "$folder.partial" "$folder"
      find "$cache_root" -maxdepth 1 -name "$(basename "${folder%-*}")-*" -mtime +14 -exec rm -rf {} +
    fi
    exec {lock}>&-
  fi
  touch "$folder"
  echo "$folder"
}

need() { # COMMAND WHAT-TO-DO
  command -v "$1" >/dev/null 2>&1 || { echo "test/cluster: $1 not found: $2" >&2; exit 1; }
}
