#!/bin/sh
# Proves that the package holds what its users need: it is packed, installed into an empty project, and the quickstart is synthesized from JavaScript and
# from Python. Both must give the manifest in dist/, scripts of container/ included.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION=1 JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20

cd "$root"
npm run --silent build
npm pack --silent --pack-destination "$work" >/dev/null
npx jsii-pacmak --target python --code-only --outdir "$work/packages" >/dev/null

cd "$work"
npm init --yes >/dev/null
npm install --silent --no-save --omit=optional ./cdk8s-chatglm-*.tgz
sed -e 's/^import \(.*\) from \(.*\);/const \1 = require(\2);/' "$root/examples/quickstart/main.ts" > quickstart.cjs
CDK8S_OUTDIR="$work/from-javascript" node quickstart.cjs
diff -u "$root/dist/quickstart.k8s.yaml" from-javascript/quickstart.k8s.yaml
npx --no-install cdk8s-chatglm validate --severity error "$root/dist"

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "$work/packages/python"
CDK8S_OUTDIR="$work/from-python" python/bin/python "$root/test/package/quickstart.py"
diff -u "$root/dist/quickstart.k8s.yaml" from-python/quickstart.k8s.yaml
echo 'the packed library gives the same manifest from JavaScript and from Python'
