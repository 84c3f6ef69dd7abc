# Processes that run in the background. Sourced by scripts/kanso.
#
# Each is a kanso-supervise with the children that it keeps running. It is the leader of its own session, so a terminal's
# Ctrl-C does not reach it, and has a file run/NAME.pid with its process id and start time: an id that was given away
# again is not mistaken for it, and nobody else's file is believed.

# Sets `ticks` to when a process started, in clock ticks since boot; to nothing when there is none.
start_time() {
    local stat=
    ticks=
    { read -r -d "" stat <"/proc/$1/stat"; } 2>/dev/null
    [ -n "$stat" ] || return 0
    set -- ${stat##*) }
    [ "$1" = Z ] || ticks=${20}
}

# Sets `pid` and `started` to process id and start time from the file of NAME.
note_of() {
    local file=$KANSO_HOME/run/$1.pid
    pid='' started=''
    [ -O "$file" ] && [ -f "$file" ] && [ ! -L "$file" ] && read -r pid started 2>/dev/null <"$file"
}

# Prints the process id of NAME if it runs; fails if not.
pid_of() {
    local pid started ticks
    note_of "$1" || return 1
    start_time "$pid"
    [ -n "$started" ] && [ "$ticks" = "$started" ] && echo "$pid"
}

# Prints the names of all that was started and not yet stopped.
names() {
    local file
    for file in "$KANSO_HOME"/run/*.pid; do
        file=${file##*/}
        [ "$file" = '*.pid' ] || echo "${file%.pid}"
    done
    return 0
}

# Keeps a program running: launch NAME OPTIONS -- PROGRAM..., with options of kanso-supervise. Its output goes to
# log/NAME.log; it gets none of this environment but what is no secret.
launch() {
    local ticks name=$1 options=(-o "$KANSO_HOME/log/$1.log" -f "$KANSO_HOME/run/$1.state" -b "${KANSO_LOG_SIZE:-10000000}")
    shift
    [ "${KANSO_LOG_FORMAT:-}" != json ] || options+=(-j)
    [ -z "${runner[*]}" ] || options+=(-u "$run_user")
    (
        keep_no_lock
        cd "$KANSO_HOME" &&
            exec setsid "${clean[@]}" KANSO_SETTINGS_FD=3 "$build/bin/kanso-supervise" "${options[@]}" "$@"
    ) <&0 &
    start_time $!
    echo "$! $ticks" >"$KANSO_HOME/run/$name.pid" || die "$(disk_full)"
    disown $! # its end is nothing for the shell to report
    launched+=("$name")
}

# Prints the ids of a process's children.
children_of() {
    local pid
    for pid in $(cat "/proc/${1:-none}/task/${1:-none}/children" 2>/dev/null); do
        echo "$pid"
    done
}

# Prints the process group of a process; nothing when there is none.
group_of() {
    local stat=
    { read -r -d "" stat <"/proc/$1/stat"; } 2>/dev/null
    [ -n "$stat" ] || return 0
    set -- ${stat##*) }
    echo "$3"
}

# Whether NAME or a child that it left behind still runs; its id is then also that of their group. A process
# that has ended and waits for its parent to notice does not count.
group_runs() {
    local pid started ticks file stat
    note_of "$1" || return 1
    start_time "$pid"
    [ -z "$ticks" ] || [ "$ticks" = "$started" ] || return 1
    kill -0 -- "-$pid" 2>/dev/null || return 1
    for file in /proc/[0-9]*/stat; do
        stat=
        { read -r -d "" stat <"$file"; } 2>/dev/null
        [ -n "$stat" ] || continue
        set -- ${stat##*) }
        [ "$3" != "$pid" ] || [ "$1" = Z ] || return 0
    done
    return 1
}

# Asks NAME to end with SIGNAL, waits for it and its children, and insists after so many SECONDS.
finish() {
    local name=$1 signal=$2 seconds=$3 pid started tries
    note_of "$name" || return 0
    for ((tries = 0; tries < seconds * 20; tries++)); do
        group_runs "$name" || break
        if [ $tries = 0 ]; then
            kill "-$signal" "$pid" 2>/dev/null
        elif ((tries % 4 == 0)); then
            # A child that was just about to wait for a request misses the first, as does one left alone.
            kill "-$signal" -- "-$pid" 2>/dev/null
        fi
        sleep 0.05
    done
    if group_runs "$name"; then
        warn "$name did not end within $seconds seconds and was ended by force"
        kill -KILL -- "-$pid" 2>/dev/null
    fi
    rm -f "$KANSO_HOME/run/$name".{pid,state}
}

# How many seconds kanso-jobs may take to end: jobs in hand have KANSO_JOBS_GRACE.
jobs_patience() {
    local grace=${KANSO_JOBS_GRACE:-20}
    [[ $grace =~ ^[0-9]{1,4}$ ]] || grace=20
    echo $((10#$grace + 10))
}

# Waits for the end of what `restart` has put others in the place of.
finish_old() {
    local name
    for name in $(names); do
        case $name in
        old-jobs) finish "$name" TERM "$(jobs_patience)" ;;
        old-*) finish "$name" TERM 30 ;;
        esac
    done
}

# Stops everything: first no new requests, then the workers with theirs answered and jobs in hand, then the database.
finish_all() {
    local name
    finish nginx QUIT 15
    ! pid_of jobs >/dev/null || kill -TERM "$(pid_of jobs)" 2>/dev/null # it ends while the workers do
    for name in $(names); do
        case $name in worker-*) finish "$name" TERM 30 ;; esac
    done
    finish_old
    finish jobs TERM "$(jobs_patience)"
    finish mariadb TERM 120
    rm -f "$KANSO_HOME"/run/*.sock
}
