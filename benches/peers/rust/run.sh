#!/bin/sh
# run.sh DATA_DIR OUT.jsonl [--quick] [--only LABEL]: DBSP on words, windows, joins and Nexmark. The first run builds it, some
# ten minutes of a core.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../cargo.sh" "$here" "$@"
