# Debian packages: which are missing, and installing them. Sourced by scripts/kanso.

# Prints the packages that are missing for the given purposes (scripts/packages.txt), one a line; some more than once.
packages_missing() {
    local when kind what package
    while read -r when kind what package; do
        [[ $when = [a-z]* ]] || continue
        case " $* " in *" $when "*) ;; *) continue ;; esac
        case $kind in
        command) command -v "$what" >/dev/null && continue ;;
        header) compgen -G "/usr/include/$what" >/dev/null && continue
                compgen -G "/usr/include/*-linux-gnu*/$what" >/dev/null && continue ;;
        python) python3 -c "import $what" 2>/dev/null && continue ;;
        esac
        echo "$package"
    done <"$root/scripts/packages.txt"
}

# Installs what is missing, and says what. A package's own service is not started: Kanso runs its own.
packages_install() {
    local missing sudo=() policy=/usr/sbin/policy-rc.d turn log
    [ -n "$(packages_missing "$@")" ] || return 0
    exec {turn}<"$root/scripts/packages.txt"
    flock "$turn" # one installation at a time
    mapfile -t missing < <(packages_missing "$@" | sort -u)
    [ ${#missing[@]} != 0 ] || { exec {turn}<&-; return 0; }
    command -v apt-get >/dev/null ||
        die "missing: ${missing[*]} (Debian's names); install them, there is no apt-get here"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "packages are missing, and there is no sudo here; as root: apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    say "installing: ${missing[*]}"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
    else
        policy=
    fi
    local failed=0
    log=$(mktemp) || die "cannot write to ${TMPDIR:-/tmp}"
    { "${sudo[@]}" apt-get update -q && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
        failed=1
    [ -z "$policy" ] || "${sudo[@]}" rm -f "$policy"
    [ $failed = 0 ] || die "apt-get install ${missing[*]} failed; see $log"
    rm -f "$log"
    exec {turn}<&-
}
