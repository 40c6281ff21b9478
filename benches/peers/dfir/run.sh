#!/bin/sh
# run.sh DATA_DIR OUT.jsonl [--quick]: DFIR, the runtime of Hydro, on words; a tick is a batch. The first run builds it, two
# minutes.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../cargo.sh" "$here" "$@"
