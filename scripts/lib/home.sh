# $KANSO_HOME and who owns what in it. Sourced by scripts/kanso.
#
# Started by root, the programs run as an ordinary user, who owns what they must write (db/ and tmp/) and nothing else:
# root writes, and ends processes by what it reads, only in directories of its own.
#
#   etc/       settings and keys                         root, or who starts Kanso
#   log/       what kanso-supervise takes down           likewise
#   run/       process ids, sockets of workers           likewise
#   programs/  copies, where the originals are closed    likewise
#   db/, tmp/  the private database; temporary files     the user that the programs run as

# Prints the first directory on the way to PATH, itself included, for which `KIND` holds:
# closed: others may not enter it; foreign: somebody but root may exchange what is in it.
first_on_the_way() {
    local kind=$1 part='' rest=${2#/} owner mode
    while :; do
        read -r owner mode < <(stat -L -c '%u %a' "${part:-/}" 2>/dev/null)
        [ -n "$owner" ] || return
        mode=$((8#$mode))
        case $kind in
        closed) ((mode & 1)) || break ;;
        foreign) # a link has an owner of its own
            [ "$owner$(stat -c %u "${part:-/}")" = 00 ] && ! ((mode & 8#22 && !(mode & 8#1000))) || break ;;
        esac
        [ -n "$rest" ] || return
        part+=/${rest%%/*}
        [[ $rest = */* ]] && rest=${rest#*/} || rest=
    done
    echo "${part:-/}"
}

# Where an instance is kept unless KANSO_HOME says so: where packages have their data; beside the sources; but for root, who
# lets others run it, where those get in and nobody else can exchange it.
home_default() {
    if [[ $root = /usr/* ]]; then # installed as a package
        echo /var/lib/kanso
    elif [ "$(id -u)" = 0 ] && [ "${KANSO_USER:-}" != root ] && [ ! -d "$root/var/etc" ] &&
        [ -n "$(first_on_the_way closed "$root")$(first_on_the_way foreign "$root")" ]; then
        echo /var/lib/kanso
    else
        echo "$root/var"
    fi
}

# The user that everything runs as when root starts it: Kanso's own, made when it is first needed.
user_make() {
    local trouble group=--user-group
    id -u kanso >/dev/null 2>&1 && return
    ! getent group kanso >/dev/null || group=--gid=kanso
    trouble=$(useradd --system "$group" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
        --comment 'runs Kanso' kanso 2>&1) || id -u kanso >/dev/null 2>&1 ||
        die "cannot make the system user 'kanso' ($trouble); make it, or name another in KANSO_USER"
    say "made the system user 'kanso', which everything runs as"
}

# Sets run_user, and runner: what runs a command as that user.
user_find() {
    runner=() run_user=$(id -un)
    [ "$(id -u)" = 0 ] || return 0
    case ${KANSO_USER:-kanso} in
    root) return ;;
    kanso) user_make ;;
    mysql | nobody)
        die "KANSO_USER is '$KANSO_USER', who has files and programs of others; leave it out, and Kanso makes its own user" ;;
    esac
    run_user=${KANSO_USER:-kanso}
    id -u "$run_user" >/dev/null 2>&1 || die "KANSO_USER is '$run_user'; there is no such user"
    [ "$(id -u "$run_user")" != 0 ] || { run_user=root; return; }
    runner=(setpriv "--reuid=$run_user" "--regid=$(id -g "$run_user")" --clear-groups --)
}

# Refuses a $KANSO_HOME that is not ours, or that somebody else could exchange for another under root's hands.
home_check() {
    local other
    [ -d "$KANSO_HOME" ] || return 0
    [ -O "$KANSO_HOME" ] && [ -w "$KANSO_HOME" ] && [ -x "$KANSO_HOME" ] ||
        die "KANSO_HOME=$KANSO_HOME belongs to $(stat -c %U "$KANSO_HOME"); use another one, or that user"
    [ "$(id -u)" = 0 ] || return 0
    [ -z "$(find "$KANSO_HOME" -prune -perm /022)" ] ||
        die "KANSO_HOME=$KANSO_HOME can be written by others than root: chmod go-w $KANSO_HOME, or use another one"
    other=$(first_on_the_way foreign "$given_home")
    other=${other:-$(first_on_the_way foreign "$(readlink -m "$KANSO_HOME")")}
    [ -z "$other" ] || die "$other, on the way to KANSO_HOME=$KANSO_HOME, can be changed by others than root;" \
        "set KANSO_HOME to a directory of root's such as /var/lib/kanso, or start Kanso as user $(stat -c %U "$other")"
}

# Refuses a $KANSO_HOME that the user everything runs as cannot get into.
home_reach() {
    local closed
    [ -n "${runner[*]}" ] && ! "${runner[@]}" test -x "$KANSO_HOME" || return 0
    closed=$(first_on_the_way closed "$KANSO_HOME")
    closed=${closed:-$KANSO_HOME}
    if [ "$KANSO_HOME" = "$root/var" ]; then
        die "user '$run_user', which everything runs as, cannot enter $closed. Move the instance:" \
            "make stop && mv $KANSO_HOME /var/lib/kanso. Or set KANSO_USER=root, and all of it runs as root"
    fi
    die "user '$run_user', which everything runs as, cannot enter $closed. Set KANSO_HOME to a place where it can," \
        "such as /var/lib/kanso; or KANSO_USER=root, and all of it runs as root"
}

# What another user may have put into a directory that was theirs before (earlier versions gave them all five) does not
# stay under a name that root reads or writes.
home_clear() {
    local entry
    for entry in "$KANSO_HOME/$1"/* "$KANSO_HOME/$1"/.[!.]*; do
        [ -e "$entry" ] || [ -L "$entry" ] || continue
        [ ! -L "$entry" ] && [ -f "$entry" ] && [ "$(stat -c %h "$entry")" = 1 ] && {
            [ -O "$entry" ] && continue
            [ "$1" != log ] || { chown -h "$(id -u)" "$entry" && continue; }
        }
        [ ! -L "$entry" ] && [ -S "$entry" ] && continue
        case $1/${entry##*/} in
        etc/*-key | etc/*-password*)
            die "$entry belongs to $(stat -c %U "$entry"), who may have made it up; if it is right: chown root $entry" ;;
        esac
        rm -rf -- "$entry"
    done
}

# Takes back the directories that whoever starts Kanso owns.
home_reclaim() {
    local dir
    for dir in log etc run; do
        [ -d "$KANSO_HOME/$dir" ] && [ ! -O "$KANSO_HOME/$dir" ] || continue
        chown -h "$(id -u)" "$KANSO_HOME/$dir" && chmod 711 "$KANSO_HOME/$dir" || die "cannot take over $KANSO_HOME/$dir"
        home_clear "$dir"
    done
}

# Makes a directory of $KANSO_HOME with that owner and mode.
home_own() {
    local dir=$KANSO_HOME/$1
    mkdir -p "$dir" || die "cannot make $dir"
    [ -z "${runner[*]}" ] || chown -h "$2:$(id -g "$run_user")" "$dir" || die "cannot give $dir to $2"
    chmod "$3" "$dir"
}

# Makes $KANSO_HOME and decides who owns what in it.
settings_home() {
    local made='' me open=700
    umask 077
    user_find
    [ -n "$(ls -A "$KANSO_HOME" 2>/dev/null)" ] || made=1 # not there yet, or empty: ours alone
    mkdir -p "$KANSO_HOME" 2>/dev/null || die "cannot make the directory KANSO_HOME=$KANSO_HOME"
    home_check
    [ -z "$made" ] || [ -z "${runner[*]}" ] || chmod 711 "$KANSO_HOME"
    [ -z "$made" ] || [ "$KANSO_HOME" = "$root/var" ] || say "keeping this instance in $KANSO_HOME"
    home_reach
    disk_has 4 || die "$(disk_full)"
    [ -O "$KANSO_HOME/run" ] || ! all_run || already_runs
    home_reclaim
    me=$(id -un)
    [ -z "${runner[*]}" ] || open=710 # the others find settings and sockets there, whose names they know
    home_own log "$me" 700
    home_own etc "$me" $open
    home_own run "$me" $open
    home_own tmp "$run_user" 700
    database_adopt
    home_own db "$run_user" 700
    settings_clean
}

# Whether all that is given is there, but not for the user who is to read it.
closed_to_runner() {
    local file
    for file; do
        [ -r "$file" ] || return 1
    done
    for file; do
        "${runner[@]}" test -r "$file" || return 0
    done
    return 1
}

# Programs and pages where those who run and read them cannot get at them (a clone in /root): copies in $KANSO_HOME.
home_programs() {
    local copy=$KANSO_HOME/programs
    mariadb_cnf=${KANSO_MARIADB_CNF:-$root/sql/mariadb.cnf}
    [ -n "${runner[*]}" ] || return 0
    closed_to_runner "$build"/{bin/kansoctl,cgi-bin/server,lib/libkanso.so} "$KANSO_HTML/index.html" "$mariadb_cnf" || return 0
    rm -rf "$copy.new"
    (
        umask 022
        mkdir "$copy.new" && cp -R "$build/bin" "$build/cgi-bin" "$build/lib" "$copy.new" &&
            cp -R "$KANSO_HTML" "$copy.new/html" && cp "$mariadb_cnf" "$copy.new/mariadb.cnf" &&
            chmod -R u=rwX,go=rX "$copy.new"
    ) && rm -rf "$copy" && mv "$copy.new" "$copy" || die "cannot copy the programs to $copy: $(disk_full)"
    build=$copy KANSO_HTML=$copy/html mariadb_cnf=$copy/mariadb.cnf
}
