#!/usr/bin/env bash
# install.sh DIR: schemathesis in a virtual environment of its own in DIR.
set -euo pipefail
dir=${1:?usage: install.sh DIR}
rm -rf "$dir"
python3 -m venv "$dir"
"$dir/bin/python" -m pip install -q --disable-pip-version-check schemathesis==4.32.5
