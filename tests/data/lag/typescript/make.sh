#!/bin/sh
# Compiles src/busy.ts once with its map beside and once with it inside; needs tsc of npm's typescript.
set -eu
cd "$(dirname "$0")"
tsc --target es2020 --module commonjs --sourceMap --outDir . src/busy.ts
sed 's/busy.js.map/beside.js.map/' busy.js > beside.js
sed 's/"busy.js"/"beside.js"/' busy.js.map > beside.js.map
tsc --target es2020 --module commonjs --inlineSourceMap --outDir . src/busy.ts
mv busy.js inside.js
rm busy.js.map
