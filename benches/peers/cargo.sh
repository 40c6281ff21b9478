#!/bin/sh
# cargo.sh DIRECTORY DATA_DIR OUT.jsonl [...]: builds the peer in DIRECTORY, if it is not built, and runs it. It generates its
# input by the code that writes DATA_DIR, so it reads nothing there.
set -eu
[ $# -ge 3 ] || { echo "run.sh DATA_DIR OUT.jsonl [--quick]" >&2; exit 2; }
command -v cargo > /dev/null || { echo "cargo is missing: install Rust, https://rustup.rs" >&2; exit 1; }
here=$1 out=$3
shift 3
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${PEERS_CACHE:-$here/../.cache}/$(basename "$here")-target}
export CARGO_TARGET_DIR
exec cargo run --release --locked --manifest-path "$here/Cargo.toml" -- "$out" "$@"
