#!/usr/bin/env bash
# Flink 2.3, DataStream: run.sh DATA_DIR OUT.jsonl [--quick]
# ONLY="words windows joins latency" chooses; all of them take 10 minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { sed -n 2,3p "$0"; exit 2; }
data=$(realpath "$1") out=$(realpath "$2") quick=${3:-}
cache=${PEERS_CACHE:-$here/../.cache}
benches=${BENCHES:-$here/../../../target/release/benches}
only=${ONLY:-words windows joins latency}
[ -d "$data/words-100k" ] || { echo "no input in $data: cargo run --release -p benches -- data $data"; exit 1; }
[ -x "$benches" ] || { echo "no $benches, which sends lines: cargo build --release -p benches (or BENCHES=path)"; exit 1; }
javac -version 2>&1 | grep -Eq ' (17|21)' || { echo "needs a JDK of version 17 or 21"; exit 1; }

mkdir -p "$cache"
if ! ls "$cache"/flink/pyflink/lib/flink-dist-*.jar >/dev/null 2>&1; then
    # 329 MB; the package of the jars alone, no Python.
    python3 -m pip install --quiet --no-deps --target "$cache/flink" apache-flink-libraries==2.3.0
fi
jars="$cache/flink/pyflink/lib/*"
classes=$cache/flink-classes
if [ ! -d "$classes" ] || [ -n "$(find "$here" -name '*.java' -newer "$classes")" ]; then
    rm -rf "$classes" && mkdir -p "$classes"
    javac -nowarn -cp "$jars" -d "$classes" "$here"/*.java
fi

opens=$(printf -- '--add-opens=java.base/%s=ALL-UNNAMED ' java.lang java.lang.reflect java.util java.util.concurrent \
    java.net java.io java.nio java.text java.time)
failed=
# What fails, or hangs, is said at the end; the next is run.
peer() {
    echo "== $*"
    local mode=$1 from=$2
    shift 2
    # shellcheck disable=SC2086
    timeout 600 java -Xms3g -Xmx3g -Xmn2g -XX:+UseParallelGC -XX:ParallelGCThreads=2 -XX:-UsePerfData $opens \
        -Dlog4j2.configurationFile="$here/../spark/log4j2.properties" \
        -Dlog4j.configurationFile="$here/../spark/log4j2.properties" \
        -cp "$classes:$jars" Main "$mode" "$from" "$out" "$@" || failed="$failed; $mode $*"
}
wants() { [[ " $only " == *" $1 "* ]]; }

runs=5 windows="10 30" rates="10000 50000"
[ "$quick" = --quick ] && runs=1 windows=10 rates=10000

wants words && { peer words "$data" 100k $((2 * runs)); peer words "$data" 1m "$runs"; }
wants windows && for window in $windows; do peer windows "$data" "$window" "$runs"; done
wants joins && peer joins "$data" new "$runs"
wants latency && for rate in $rates; do peer latency "$benches" "$rate" "$runs"; done
[ -z "$failed" ] || { echo "failed: ${failed#; }" >&2; exit 1; }
