#!/bin/sh
# What msrun starts in tests. $1 is a folder; it notes its environment there and does what the files there say:
# `fail_<name>` holds the code to end with, `save` has it save on SIGTERM, `go` lets it end with 0.
name=$([ "$MS_ROLE" = MS_SCHED ] && echo scheduler || echo "worker_$MS_NODE_ID")
env >"$1/$name.env"
pwd >"$1/$name.pwd"
echo "$name is up"
if [ -e "$1/save" ] && [ "$name" != scheduler ]; then
  trap 'sleep 0.$((3 * (MS_NODE_ID + 1))); echo saved >"$1/$name.saved"; exit 42' TERM
fi
while [ ! -e "$1/go" ]; do
  if [ -e "$1/fail_$name" ]; then
    seq 30
    exit "$(cat "$1/fail_$name")"
  fi
  sleep 0.05
done
echo "$name is done"
