import { WORKLOAD_STATES } from './workload-state';

/** `apply.sh`: the same for every app, so that a chart that comes or goes does not change it. */
export function applyScript(ending: string): string {
  const cases = WORKLOAD_STATES.map(({ apiVersion, kind, ended }) => `    ${apiVersion}/${kind}) ${ended === undefined
    ? 'roll_out "$3" "$4"; return 0'
    : `path='${ended.jsonPath}' done='${ended.done}' failed='${ended.failed}'`} ;;`);
  return SCRIPT.replaceAll('@ENDING@', ending).replace('@CASES@', cases.join('\n'));
}

const SCRIPT = String.raw`#!/bin/sh
# Applies the stages beside this script in their order, and waits until the jobs of one are done before the next.
#
# Use: apply.sh [CHART...], by default all of them. What is there already is left as it is, so it can be run again after a failure.
# Environment: KUBECTL (kubectl), INTERVAL seconds between two looks (10), TIMEOUT seconds for each job or server (0: as long as its deadline).
set -eu
cd -- "$(dirname -- "$0")"
KUBECTL=${'${'}KUBECTL:-kubectl} INTERVAL=${'${'}INTERVAL:-10} TIMEOUT=${'${'}TIMEOUT:-0}

say() { printf '%s\n' "$*"; }
fail() { printf 'apply.sh: %s\n' "$*" >&2; exit 1; }

# The files of one stage of the chosen charts.
files() { # STAGE
  for chart in $charts; do
    file=$chart/$1/$chart@ENDING@
    [ ! -f "$file" ] || say "$file"
  done
}

# Where some of a file's objects are there already, kubectl creates the others and fails.
create() { # FILE
  $KUBECTL create -f "$1" || $KUBECTL get -f "$1" >/dev/null || fail "$1 cannot be created"
}

apply() { # STAGE
  for file in $(files "$1"); do
    say "apply $file"
    table=$(dirname "$file")/rings-config@ENDING@ # an operator fills these, so they are only created
    [ ! -f "$table" ] || $KUBECTL get -f "$table" >/dev/null 2>&1 || create "$table"
    $KUBECTL apply -f "$file"
  done
}

wait_for() { # STAGE
  for file in $(files "$1"); do
    $KUBECTL get -f "$file" --no-headers -o custom-columns=A:.apiVersion,K:.kind,S:.metadata.namespace,N:.metadata.name >"$objects"
    while read -r version kind namespace name <&3; do
      wait_one "$version" "$kind" "$namespace" "$name"
    done 3<"$objects"
  done
}

roll_out() { # NAMESPACE NAME
  $KUBECTL rollout status "deployment/$2" -n "$1" --timeout="${'${'}TIMEOUT}s" </dev/null || fail "Deployment $1/$2 is not rolled out"
}

wait_one() { # API_VERSION KIND NAMESPACE NAME
  case $1/$2 in
@CASES@
    *) return 0 ;;
  esac
  resource=$(printf %s "$2" | tr '[:upper:]' '[:lower:]').${'${'}1#*/}.${'${'}1%/*}
  waited=0 last=
  while :; do
    state=$($KUBECTL get "$resource" "$4" -n "$3" -o "jsonpath=$path")
    if printf '%s' "$state" | grep -qE "$failed"; then fail "$2 $3/$4 failed: $state"; fi
    if printf '%s' "$state" | grep -qE "$done"; then say "$2 $3/$4 is done"; return 0; fi
    if [ "$TIMEOUT" -gt 0 ] && [ "$waited" -ge "$TIMEOUT" ]; then fail "$2 $3/$4 is not done after $TIMEOUT seconds"; fi
    if [ -z "$last" ]; then say "wait for $2 $3/$4"; last=said; fi
    sleep "$INTERVAL"
    waited=$((waited + INTERVAL))
  done
}

charts=
for chart in ${'${'}*:-$(for stage in */base */jobs-* */serving-*; do [ ! -d "$stage" ] || say "${'${'}stage%%/*}"; done | sort -u)}; do
  chart=${'${'}chart%/} # which a shell appends to the name of a folder
  ls "./$chart"/*/"$chart@ENDING@" >/dev/null 2>&1 || fail "there is no chart '$chart' here"
  charts="$charts $chart"
done
[ -n "$charts" ] || fail "there are no charts here"
objects=$(mktemp)
trap 'rm -f "$objects"' EXIT

apply base
depths=$(for chart in $charts; do
  for stage in "$chart"/jobs-* "$chart"/serving-*; do [ ! -d "$stage" ] || say "${'${'}stage##*-}"; done
done | sort -nu)
for depth in $depths; do
  apply "serving-$depth"
  apply "jobs-$depth"
  wait_for "jobs-$depth"
done
for depth in $depths; do
  wait_for "serving-$depth"
done
`;
