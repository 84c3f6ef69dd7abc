# Whether the settings can be, before anything is stopped or started for them. Sourced by scripts/kanso.

# All that can be known beforehand, in one line of complaint; with --connect also whether a database that was named can
# be reached. Sets `plan`.
check_settings() {
    local plan_answer nginx_answer good=yes heard
    settings_settled
    exec {plan_answer}< <(exec 2>/dev/null; keep_no_lock; ctl plan) {nginx_answer}< <(keep_no_lock; nginx_try)
    ctl check "$@" && (check_port) || good=''
    IFS= read -r -d '' plan <&"$plan_answer"
    plan=${plan%$'\n'}
    mapfile -t heard <&"$nginx_answer"
    exec {plan_answer}<&- {nginx_answer}<&-
    [ -n "$good" ] || { rm -f "$KANSO_HOME/etc/nginx-check.conf"; exit 1; }
    check_nginx "${heard[@]}"
    [ -n "$plan" ] || plan=$(ctl plan) || exit 1
    check_readable KANSO_HTML "$KANSO_HTML" "it is where Kanso's pages are"
    [ -z "${KANSO_DASHBOARD_DIR:-}" ] || check_readable KANSO_DASHBOARD_DIR "$KANSO_DASHBOARD_DIR" \
        "'make dashboard' fetches one"
}

# Writes the configuration that nginx would be given, and prints what comes of it: `taken`; `refused`, and what nginx says; or
# `unfit`, and why there is none for these settings. Address and port are tried as well.
nginx_try() {
    local conf=$KANSO_HOME/etc/nginx-check.conf said
    nginx_checked=''
    nginx_command
    if ! said=$(nginx_configure "$conf" 2>&1); then
        printf '%s\n' unfit "$said"
    elif said=$("${clean[@]}" "${runner[@]}" "${nginx[@]}" -t -q -c "$conf" 4>/dev/null 2>&1); then
        echo taken
    else
        printf '%s\n' refused "$said"
    fi
}

# Keeps the configuration that nginx_try wrote for nginx_configure, or dies of what it prints, the lines of which are given.
check_nginx() {
    local conf=$KANSO_HOME/etc/nginx-check.conf verdict=${1:-}
    shift
    if [ "$verdict" = taken ]; then
        nginx_checked=$conf
        return
    fi
    rm -f "$conf"
    [ "$verdict" != refused ] || die "$(nginx_trouble "$(printf '%s\n' "$@")")"
    printf '%s\n' "$@" >&2
    exit 1
}

# Says in one line why nginx did not start, going by the end of what it said.
nginx_trouble() {
    local last
    last=$(grep -F '[emerg]' <<<"$1" | tail -n 1)
    last=${last:-$(tail -n 1 <<<"$1")}
    case $last in
    *'bind() to unix:'*) echo "cannot listen at ${KANSO_ADDRESS#unix:}: ${last##*failed }" ;;
    *'(98: '* | *'still could not bind()'*) echo "port $KANSO_PORT on $KANSO_ADDRESS is taken; set KANSO_PORT to a free one" ;;
    *'bind()'*'(13: '*) echo "user '$run_user', as whom nginx runs, may not listen on port $KANSO_PORT;" \
        "set KANSO_PORT to 1024 or more" ;;
    *'bind()'*'(99: '*) echo "KANSO_ADDRESS is '$KANSO_ADDRESS'; that is no address of this machine" ;;
    *'host not found'*'"listen"'*) echo "KANSO_ADDRESS is '$KANSO_ADDRESS'; it must be an address of this machine" ;;
    *) echo "nginx does not take the settings: ${last##*\[emerg\] }" ;;
    esac
}

# Whether nginx can read the pages in DIRECTORY, the value of NAME. REMEDY is the end of the complaint.
check_readable() {
    local name=$1 directory=$2 remedy=$3 path='' part parts
    "${runner[@]}" test -r "$directory/index.html" && return
    [ -e "$directory/index.html" ] || die "$name: there is no $directory/index.html; $remedy"
    IFS=/ read -ra parts <<<"$directory"
    for part in "${parts[@]}"; do
        [ -n "$part" ] || continue
        path+=/$part
        "${runner[@]}" test -x "$path" || break
    done
    die "$name: user '$run_user', as whom nginx runs, may not read $path; $remedy"
}

# Dies when somebody else listens where Kanso is going to, and says who where that can be seen.
check_port() {
    local answers='' uid inode pid name=''
    [ -n "$reach" ] || { check_socket; return; }
    { (exec 3<>"/dev/tcp/$reach/$KANSO_PORT") && answers=yes; } 2>/dev/null
    read -r uid inode < <(listeners "$answers")
    [ -n "$answers$inode" ] || return 0
    pid=$(find /proc/[0-9]*/fd -lname "socket:\[${inode:-none}\]" 2>/dev/null | sed -n '1s,^/proc/\([0-9]*\)/.*,\1,p')
    [ -z "$pid" ] || [ "$(group_of "$pid")" != "$(pid_of nginx)" ] || return 0
    if [ -n "$pid" ]; then
        { read -r name <"/proc/$pid/comm"; } 2>/dev/null
        name="$name (process $pid of user $(id -nu "$uid" 2>/dev/null || echo "$uid"))"
    elif [ -n "$uid" ]; then
        name="a program of user $(id -nu "$uid" 2>/dev/null || echo "$uid")"
    fi
    die "port $KANSO_PORT on $KANSO_ADDRESS is taken by ${name:-another program};" \
        "end it, or set KANSO_PORT to a free one"
}

# Dies when somebody else listens at the Unix socket, or what has that name is none. One that nobody listens at any more
# makes room for the new one (nginx_start).
check_socket() {
    local path=${KANSO_ADDRESS#unix:}
    [ -d "${path%/*}" ] || die "KANSO_ADDRESS is '$KANSO_ADDRESS'; there is no directory ${path%/*}"
    [ -e "$path" ] || return 0
    [ -S "$path" ] || die "KANSO_ADDRESS is '$KANSO_ADDRESS'; $path is there and is no socket"
    pid_of nginx >/dev/null || ! ctl probe >/dev/null 2>&1 || die "another program listens at $path; end it, or choose another name"
}

# Prints UID INODE of what listens on Kanso's port in its way: on a wildcard address or, if Kanso's is one, on any; on any,
# too, when ANSWERS says that the port answers at Kanso's address.
listeners() {
    local answers=$1 files=(/proc/net/tcp) every=$1
    [[ $KANSO_ADDRESS != *:* ]] || files=(/proc/net/tcp6)
    [[ -z $answers && $KANSO_ADDRESS != :: && $KANSO_ADDRESS != '[::]' ]] || files=(/proc/net/tcp /proc/net/tcp6)
    case $KANSO_ADDRESS in 0.0.0.0 | :: | '[::]' | '*') every=yes ;; esac
    awk -v port="$(printf %04X "$((10#$KANSO_PORT))")" -v every="$every" '
        $4 == "0A" && split($2, at, ":") && at[2] == port && (every || at[1] ~ /^0+$/) { print $8, $10 }
    ' "${files[@]}" 2>/dev/null
}
