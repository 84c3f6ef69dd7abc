#!/usr/bin/env bash
# Fetches ZenML's own dashboard for KANSO_DASHBOARD_DIR. Nothing of it belongs into this repository.
#
#   scripts/dashboard.sh [FOLDER]
#
# FOLDER is where it goes (default: $KANSO_DASHBOARD_DIR, else ~/.local/share/kanso/dashboard, for root
# /usr/local/share/kanso/dashboard, since Kanso then runs as another user); it must lie outside the repository. The files
# come from the stock `zenml[server]` wheel: from the one that $PYTHON (default python3) can already import, else pip
# installs it into a temporary environment. KANSO_DASHBOARD_LEGACY=1 takes the legacy dashboard.
set -euo pipefail
umask 022

version=0.66.0
repo=$(cd "$(dirname "$0")/.." && pwd -P)
share=$HOME/.local/share
[ "$(id -u)" != 0 ] || share=/usr/local/share
target=${1:-${KANSO_DASHBOARD_DIR:-$share/kanso/dashboard}}
python=${PYTHON:-python3}
name=dashboard
[ "${KANSO_DASHBOARD_LEGACY:-0}" = 0 ] || name=dashboard_legacy

die() { echo "dashboard: $*" >&2; exit 1; }

mkdir -p "$target"
target=$(cd "$target" && pwd -P)
case $target/ in "$repo"/*) rmdir "$target" 2>/dev/null || true; die "$target lies inside the repository; choose a folder outside it" ;; esac
# Whoever runs Kanso has to get there: for root, that is another user.
folder=$target
while [ "$(id -u)" = 0 ] && [ "${KANSO_USER:-}" != root ] && [ "$folder" != / ]; do
    folder=$(dirname "$folder")
    case $(stat -c %a "$folder") in
    *[1357]) ;;
    *) die "nobody but root may enter $folder; choose another folder, such as $share/kanso/dashboard" ;;
    esac
done
[ -z "$(ls -A "$target")" ] || [ -f "$target/index.html" ] || die "$target holds something else; choose an empty folder"

# The folder of the dashboard in an installed ZenML of the right version, found without running any of its code.
locate() {
    "$1" - "$version" "$name" 2>/dev/null <<'PY'
import importlib.metadata as metadata, importlib.util as util, pathlib, sys
spec = util.find_spec("zenml")
folder = pathlib.Path(spec.origin).parent / "zen_server" / sys.argv[2]
assert metadata.version("zenml") == sys.argv[1] and (folder / "index.html").is_file()
print(folder)
PY
}

work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
if ! source=$(locate "$python"); then
    "$repo/scripts/kanso" packages dashboard
    work=$(mktemp -d)
    echo "dashboard: installing zenml[server]==$version into a temporary environment"
    "$python" -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --no-deps --no-compile "zenml[server]==$version"
    source=$(locate "$work/venv/bin/python") || die "that wheel holds no $name folder"
fi

# A new copy beside the old one, then a swap: a server in use never sees half of it.
rm -rf "$target.new" "$target.old"
cp -R "$source" "$target.new"
find "$target.new" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
mv "$target" "$target.old"
mv "$target.new" "$target"
rm -rf "$target.old"
echo "dashboard: ZenML $version dashboard is in $target"
echo "dashboard: serve it with KANSO_DASHBOARD_DIR=$target"
