#!/bin/bash
# Prints the folder with the archive of the image "mindformers-cpu": below, the base layer of the other images; on top,
# what mindformers/requirements.txt pins (MindSpore and MindFormers, for CPU) and the folder mindformers/root.
#   mindformers.sh make      on first use: 1 GB of packages, 2 minutes
#   mindformers.sh if-made   makes nothing, and prints nothing if it is not there
# Needs root and a Python with pip; PYTHON_FOR_TOOLS names another than python3.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
umask 022
python=${PYTHON_FOR_TOOLS:-python3}
own=$cluster_dir/mindformers
site=usr/local/lib/python3.11/dist-packages

install_packages() { # TOP: for the image's Python, whatever Python runs here
  local top=$1 wheels=$1.wheels
  "$python" -m pip wheel -qq --no-deps --no-binary jieba --wheel-dir "$wheels" "$(grep ^jieba== "$own/requirements.txt")"
  "$python" -m pip install -qq --root-user-action ignore --no-deps --no-compile --only-binary :all: --find-links "$wheels" \
    --python-version 3.11 --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 \
    --target "$top/$site" --requirement "$own/requirements.txt"
  rm -rf "$top/$site"/mindspore/lib/plugin/{gpu,ascend,libmindspore_gpu,libmindspore_ascend,libmindspore_ops_ascend}*
  # MindSpore links to it and the minimal Debian has none; this wheel's runs with any C library
  install -D "$top/$site"/sentencepiece.libs/libgomp-*.so.* "$top/usr/lib/x86_64-linux-gnu/libgomp.so.1"
}

build() { # OUT
  local work=$1/work root=$1/work/root
  mkdir -p "$root/top"
  tar -C "$work" -xf "$images/work.tar" 0.tar
  tar -C "$root" -xf "$work/0.tar"
  [ -e "$root/usr/bin/python3.11" ] || { echo "test/cluster: mindformers-cpu needs an image with Python 3.11: set SUITE=bookworm" >&2; exit 1; }
  echo "test/cluster: installing MindSpore and MindFormers for the image mindformers-cpu" >&2
  install_packages "$root/top"
  cp -R --preserve=mode "$own/root/." "$root/top"
  ln -s "/$site/configs" "$root/top/opt/mindformers/configs"
  find "$root/top" -name __pycache__ -prune -exec rm -rf {} +
  # without this every pod would compile for 10 s; by hash, because the layer keeps no times
  chroot "$root" env PYTHONWARNINGS=ignore python3 -m compileall -qq -s /top --invalidation-mode unchecked-hash "/top/$site"
  chmod -R go+rX "$root/top"
  tar -C "$root/top" --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 -cf "$work/1.tar" .
  archive "$work" "$1/mindformers-cpu.tar"
  rm -rf "$work"
}

archive() { # FOLDER-OF-LAYERS FILE: a docker archive, which our registry reads
  local top; top=$(sha256sum "$1/1.tar" | cut -d' ' -f1)
  base_config | sed "s/\"diff_ids\":\[[^]]*\]/\"diff_ids\":[\"$base\",\"sha256:$top\"]/" >"$1/config.json"
  echo '[{"Config":"config.json","RepoTags":["localhost/mindformers-cpu:1"],"Layers":["0.tar","1.tar"]}]' >"$1/manifest.json"
  tar -C "$1" -cf "$2" manifest.json config.json 0.tar 1.tar
}

base_config() { tar -xOf "$images/work.tar" --occurrence=1 config.json; }

images=$("$cluster_dir/prepare/images.sh")
base=$(base_config | sed 's/.*"diff_ids":\["\([^"]*\)".*/\1/')
case ${1:-} in
build) build "$2"; exit ;;
make | if-made) ;;
*) echo "test/cluster: mindformers.sh got '${1:-}'; allowed are make and if-made" >&2; exit 2 ;;
esac
mapfile -t files < <(cd "$cluster_dir" && find mindformers -type f -not -path '*/__pycache__/*' | sort)
name=image-mindformers-$({ key prepare/mindformers.sh "${files[@]}"; echo "$base"; } | sha256sum | cut -c1-12)
if [ ! -e "$cache_root/$name" ]; then
  [ "$1" = make ] || exit 0
  "$python" -m pip --version >/dev/null 2>&1 || { echo "test/cluster: $python has no pip: install python3-pip, or set PYTHON_FOR_TOOLS" >&2; exit 1; }
fi
cached "$name" nice -n 5 "$0" build # a process of its own, which ends at the first failure
