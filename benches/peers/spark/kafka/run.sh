#!/usr/bin/env bash
# The direct stream of Spark 3.5.9 on the topics of `benches/kafka`: KAFKA=.. run.sh OUT.jsonl [--quick],
# with what `scripts/servers start kafka --heap 1024` says.
# BENCHES names that program, if it is not in `target/release`; PARTITIONS="1 8" chooses.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] && [ -n "${KAFKA:-}" ] || { sed -n 2,4p "$0"; exit 2; }
out=$(realpath "$1") quick=${2:-}
cache=${PEERS_CACHE:-$here/../../.cache}
benches=${BENCHES:-$here/../../../../target/release/benches-kafka}
[ -x "$benches" ] || { echo "no $benches, which fills the topics: cargo build --release -p benches-kafka --features kafka"; exit 1; }
java -version 2>&1 | grep -q '"17\|"11' || { echo "Spark 3.5 needs a Java of version 17 or 11"; exit 1; }

mkdir -p "$cache"
if ! ls "$cache"/spark/lib/python3*/site-packages/pyspark/jars/spark-streaming_* >/dev/null 2>&1; then
    python3 -m venv "$cache/spark"
    "$cache/spark/bin/pip" install --quiet pyspark==3.5.9 # 318 MB
fi
jars=$(echo "$cache"/spark/lib/python3*/site-packages/pyspark/jars)
if [ ! -d "$cache/spark-kafka" ]; then
    command -v mvn >/dev/null || { echo "the direct stream comes from Maven: install maven"; exit 1; }
    mvn -q -B -f "$here/pom.xml" -DoutputDirectory="$cache/spark-kafka.new" -DincludeScope=runtime \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
    mv "$cache/spark-kafka.new" "$cache/spark-kafka"
fi
classes=$cache/spark-kafka-classes
if [ ! -d "$classes" ] || [ -n "$(find "$here/.." -name '*.scala' -newer "$classes")" ]; then
    rm -rf "$classes.new" && mkdir -p "$classes.new"
    java -Xss8m -cp "$jars/*:$cache/spark-kafka/*" scala.tools.nsc.Main -nowarn -usejavacp -d "$classes.new" \
        "$here"/../Harness.scala "$here"/*.scala
    rm -rf "$classes" && mv "$classes.new" "$classes"
fi

[ -d /dev/shm ] && scratch=$(mktemp -d /dev/shm/peer-XXXXXX) || scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
opens=$(printf -- '--add-opens=java.base/%s=ALL-UNNAMED ' java.lang java.lang.invoke java.lang.reflect java.io java.net \
    java.nio java.util java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action \
    sun.util.calendar)
heap=${HEAP:-"-Xms2g -Xmx2g -Xmn1g -XX:+UseParallelGC -XX:ParallelGCThreads=2"}
runs=5 warm=3 records=5000000 fill=
[ "$quick" = --quick ] && runs=3 warm=2 records=500000 fill=--quick
"$benches" fill $fill
for partitions in ${PARTITIONS:-1 8}; do
    # shellcheck disable=SC2086
    timeout 1200 java $heap -XX:-UsePerfData $opens -Dpeer.scratch="$scratch" \
        -Dlog4j2.configurationFile="$here/../log4j2.properties" -Dlog4j.configurationFile="$here/../log4j2.properties" \
        -cp "$classes:$jars/*:$cache/spark-kafka/*" org.apache.spark.streaming.peer.Kafka \
        "$KAFKA" "bench-$partitions-$records" "$partitions" "$records" "$runs" "$warm" "$out"
done
