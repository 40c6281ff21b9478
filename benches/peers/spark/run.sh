#!/usr/bin/env bash
# Spark 3.5.9, DStreams and Structured Streaming: run.sh DATA_DIR OUT.jsonl [--quick]
# ONLY="words windows joins running latency structured startup resident" chooses; all of them take half an hour. Besides
# there are "joins_all" and "running_all", which deliver whole windows and whole states, and are not among those.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { sed -n 2,4p "$0"; exit 2; }
data=$(realpath "$1") out=$(realpath "$2") quick=${3:-}
cache=${PEERS_CACHE:-$here/../.cache}
benches=${BENCHES:-$here/../../../target/release/benches}
only=${ONLY:-words windows joins running latency structured startup resident}
[ -d "$data/words-100k" ] || { echo "no input in $data: cargo run --release -p benches -- data $data"; exit 1; }
[ -x "$benches" ] || { echo "no $benches, which sends lines: cargo build --release -p benches (or BENCHES=path)"; exit 1; }
java -version 2>&1 | grep -q '"17\|"11' || { echo "Spark 3.5 needs a Java of version 17 or 11"; exit 1; }

mkdir -p "$cache"
if ! ls "$cache"/spark/lib/python3*/site-packages/pyspark/jars/spark-streaming_* >/dev/null 2>&1; then
    python3 -m venv "$cache/spark"
    "$cache/spark/bin/pip" install --quiet pyspark==3.5.9 # 318 MB
fi
jars=$(echo "$cache"/spark/lib/python3*/site-packages/pyspark/jars)
classes=$cache/spark-classes
if [ ! -d "$classes" ] || [ -n "$(find "$here" -name '*.scala' -newer "$classes")" ]; then
    rm -rf "$classes.new" && mkdir -p "$classes.new"
    java -Xss8m -cp "$jars/*" scala.tools.nsc.Main -nowarn -usejavacp -d "$classes.new" "$here"/*.scala
    rm -rf "$classes" && mv "$classes.new" "$classes"
fi

# Shuffle files and checkpoints in memory, if there is a file system for that.
[ -d /dev/shm ] && scratch=$(mktemp -d /dev/shm/peer-XXXXXX) || scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The parallel collector takes the least CPU time here, of two cores. What Spark opens of Java's own: as its scripts do.
opens=$(printf -- '--add-opens=java.base/%s=ALL-UNNAMED ' java.lang java.lang.invoke java.lang.reflect java.io java.net \
    java.nio java.util java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action \
    sun.util.calendar)
heap=${HEAP:-"-Xms3g -Xmx3g -Xmn2g -XX:+UseParallelGC -XX:ParallelGCThreads=2"}
failed=
# What fails, or hangs, is said at the end; the next is run.
peer() {
    echo "== $*"
    local mode=$1 from=$2
    shift 2
    # shellcheck disable=SC2086
    timeout 1200 java $heap -XX:-UsePerfData $opens -Dpeer.scratch="$scratch" \
        -Dlog4j2.configurationFile="$here/log4j2.properties" -Dlog4j.configurationFile="$here/log4j2.properties" \
        -cp "$classes:$jars/*" org.apache.spark.streaming.peer.Main "$mode" "$from" "$out" "$@" ||
        failed="$failed; $mode $*"
    rm -rf "${scratch:?}"/*
}
wants() { [[ " $only " == *" $1 "* ]]; }

runs=5 inverse="10 30 100" recompute="10 30" rates="10000 50000" warm=3
[ "$quick" = --quick ] && runs=1 inverse=10 recompute=10 rates=10000 warm=2

wants words && { peer words "$data" 100k $((runs + 2)) $((2 * warm)); peer words "$data" 1m $((runs + 2)) "$warm"; }
wants windows && {
    for window in $inverse; do peer windows "$data" inverse "$window" "$runs"; done
    for window in $recompute; do peer windows "$data" recompute "$window" "$runs"; done
}
wants joins && peer joins "$data" new "$runs"
wants joins_all && peer joins "$data" all "$runs"
wants running && peer running "$data" changes "$runs"
wants running_all && peer running "$data" all "$runs"
# More than the last interval is asked for only where none keeps up.
wants latency && for rate in $rates; do
    peer latency "$benches" "$rate" 25,50,75,100,150,200,300,500,1000 "$runs"
done
wants structured && { peer structured "$data" 100k "$runs" "$warm"; [ "$quick" ] || peer structured "$data" 1m "$runs" "$warm"; }
wants startup && for _ in $(seq "$runs"); do peer startup "$data" "$(date +%s%N)"; done
# The smallest heap that Spark 3.5 starts with, which wants 450 MiB without the collector's reserve; the collector that has
# the least of its own. Nothing runs behind these.
wants resident && {
    heap="-Xms64m -Xmx470m -XX:+UseSerialGC"
    peer resident "$data" words 200
    peer resident "$data" sums 200
}
[ -z "$failed" ] || { echo "failed: ${failed#; }" >&2; exit 1; }
