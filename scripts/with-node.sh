#!/bin/sh
# Runs Node.js for npm: `sh scripts/with-node.sh FILE ARGUMENTS`. npm looks into node_modules/.bin first, and the Node.js there may lack a
# library of the system's until set-up has got it; then the one that runs npm does the set-up.
if ! node --version >/dev/null 2>&1; then
  PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | tr '\n' ':')
  export PATH
fi
exec node "$@"
