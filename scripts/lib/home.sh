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
    local kind=$1 part='' rest=${2#/} parts=(/) owner mode link i=0
    while [ -n "$rest" ]; do
        part+=/${rest%%/*}
        parts+=("$part")
        [[ $rest = */* ]] && rest=${rest#*/} || rest=
    done
    # Of each, what it is and, should it be a link, whose: a link has an owner of its own.
    while read -r owner mode && read -r link <&3; do
        mode=$((8#$mode))
        case $kind in
        closed) ((mode & 1)) ;;
        foreign) [ "$owner$link" = 00 ] && ! ((mode & 8#22 && !(mode & 8#1000))) ;;
        esac || { echo "${parts[i]}"; return; }
        i=$((i + 1))
    done < <(stat -L -c '%u %a' "${parts[@]}" 2>/dev/null) 3< <(stat -c %u "${parts[@]}" 2>/dev/null)
}

# Where an instance is kept unless KANSO_HOME says so: where packages have their data; beside the sources; but for root, who
# lets others run it, where those get in and nobody else can exchange it.
home_default() {
    if [[ $root = /usr/* ]]; then # installed as a package
        echo /var/lib/kanso
    elif [ "$EUID" = 0 ] && [ "${KANSO_USER:-}" != root ] && [ ! -d "$root/var/etc" ] &&
        [ -n "$(first_on_the_way closed "$root")$(first_on_the_way foreign "$root")" ]; then
        echo /var/lib/kanso
    else
        echo "$root/var"
    fi
}

# The user that everything runs as when root starts it: Kanso's own, made when it is first needed.
user_make() {
    local trouble group=--user-group
    ! getent group kanso >/dev/null || group=--gid=kanso
    trouble=$(useradd --system "$group" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
        --comment 'runs Kanso' kanso 2>&1) || id -u kanso >/dev/null 2>&1 ||
        die "cannot make the system user 'kanso' ($trouble); make it, or name another in KANSO_USER"
    say "made the system user 'kanso', which everything runs as"
}

# Sets the numbers of run_user and its group.
user_numbers() {
    [[ $(LC_ALL=C id "$run_user" 2>/dev/null) =~ ^uid=([0-9]+)(\([^\)]*\))?\ gid=([0-9]+) ]] || return
    run_uid=${BASH_REMATCH[1]} run_gid=${BASH_REMATCH[3]}
}

# Sets run_user, its number and that of its group, and runner: what runs a command as that user.
user_find() {
    runner=() run_user=root run_uid=$EUID run_gid=${GROUPS[0]}
    [ "$EUID" = 0 ] || { run_user=$(id -un); return; }
    case ${KANSO_USER:-kanso} in
    root) return ;;
    mysql | nobody)
        die "KANSO_USER is '$KANSO_USER', who has files and programs of others; leave it out, and Kanso makes its own user" ;;
    esac
    run_user=${KANSO_USER:-kanso}
    user_numbers || { [ "$run_user" = kanso ] && user_make && user_numbers; } ||
        die "KANSO_USER is '$run_user'; there is no such user"
    [ "$run_uid" != 0 ] || { run_user=root; return; }
    runner=(setpriv "--reuid=$run_user" "--regid=$run_gid" --clear-groups --)
}

# Refuses a $KANSO_HOME that is not ours, or that somebody else could exchange for another under root's hands.
home_check() {
    local other real
    [ -d "$KANSO_HOME" ] || return 0
    [ -O "$KANSO_HOME" ] && [ -w "$KANSO_HOME" ] && [ -x "$KANSO_HOME" ] ||
        die "KANSO_HOME=$KANSO_HOME belongs to $(stat -c %U "$KANSO_HOME"); use another one, or that user"
    [ "$EUID" = 0 ] || return 0
    [ -z "$(find "$KANSO_HOME" -prune -perm /022)" ] ||
        die "KANSO_HOME=$KANSO_HOME can be written by others than root: chmod go-w $KANSO_HOME, or use another one"
    other=$(first_on_the_way foreign "$given_home")
    real=$(readlink -m "$KANSO_HOME")
    [ "$real" = "$given_home" ] || other=${other:-$(first_on_the_way foreign "$real")}
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
            [ "$1" != log ] || { chown -h "$EUID" "$entry" && continue; }
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
        chown -h "$EUID" "$KANSO_HOME/$dir" && chmod 711 "$KANSO_HOME/$dir" || die "cannot take over $KANSO_HOME/$dir"
        home_clear "$dir"
    done
}

# Makes directories of $KANSO_HOME, each given as three words: its name, the number of its owner, its mode.
home_own() {
    local dir now='' line
    while IFS= read -r line; do
        now+="$line;"
    done < <(cd "$KANSO_HOME" && stat -c '%n %u:%g %a' log etc run tmp db 2>/dev/null)
    while [ $# -ge 3 ]; do
        dir=$KANSO_HOME/$1
        if [[ ";$now" != *";$1 $2:$run_gid $3;"* ]]; then
            mkdir -p "$dir" || die "cannot make $dir"
            [ -z "${runner[*]}" ] || chown -h "$2:$run_gid" "$dir" || die "cannot give $dir to $2"
            chmod "$3" "$dir"
        fi
        shift 3
    done
}

# Whether something is in a directory.
has_entries() {
    local entry
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        [ ! -e "$entry" ] && [ ! -L "$entry" ] || return 0
    done
    return 1
}

# Makes $KANSO_HOME and decides who owns what in it.
settings_home() {
    local made='' open=700
    umask 077
    user_find
    has_entries "$KANSO_HOME" || made=1 # not there yet, or empty: ours alone
    [ -d "$KANSO_HOME" ] || mkdir -p "$KANSO_HOME" 2>/dev/null || die "cannot make the directory KANSO_HOME=$KANSO_HOME"
    home_check
    [ -z "$made" ] || [ -z "${runner[*]}" ] || chmod 711 "$KANSO_HOME"
    [ -z "$made" ] || [ "$KANSO_HOME" = "$root/var" ] || say "keeping this instance in $KANSO_HOME"
    home_reach
    disk_has 4 || die "$(disk_full)"
    [ -O "$KANSO_HOME/run" ] || ! all_run || already_runs
    home_reclaim
    [ -z "${runner[*]}" ] || open=710 # the others find settings and sockets there, whose names they know
    database_adopt
    home_own log $EUID 700 etc $EUID $open run $EUID $open tmp "$run_uid" 700 db "$run_uid" 700
    settings_clean
}

# Whether all that is given is there, but not for the user who is to read it.
closed_to_runner() {
    local file
    for file; do
        [ -r "$file" ] || return 1
    done
    # shellcheck disable=SC2016
    ! "${runner[@]}" sh -c 'for file; do test -r "$file" || exit; done' sh "$@"
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
