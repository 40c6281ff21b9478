#!/bin/sh
# run.sh DATA_DIR OUT.jsonl [--quick]: DFIR, the runtime of Hydro, on words; a tick is a batch. It makes its input by the code
# that writes DATA_DIR, so it reads nothing there. The first run builds it, two minutes.
set -eu
[ $# -ge 2 ] || { echo "run.sh DATA_DIR OUT.jsonl [--quick]" >&2; exit 2; }
command -v cargo > /dev/null || { echo "cargo is missing: install Rust, https://rustup.rs" >&2; exit 1; }
out=$2
shift 2
here=$(dirname "$0")
: "${PEERS_CACHE:=$here/../.cache}"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PEERS_CACHE/dfir-target}
export CARGO_TARGET_DIR
cargo build --release --locked --manifest-path "$here/Cargo.toml"
exec "$CARGO_TARGET_DIR/release/dfir-peer" "$out" "$@"
