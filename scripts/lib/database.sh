# The private MariaDB under $KANSO_HOME. Sourced by scripts/kanso.

# Whether the database is ours to run: none was named.
database_private() {
    [ -z "${given_store_url:-}" ]
}

# Makes the data directory on first use. It takes its name only when it is complete.
database_create() {
    local home=$KANSO_HOME log=$KANSO_HOME/log/mariadb-install.log
    "${runner[@]}" test -d "$home/db/data" && return
    disk_has 200 || die "a new database needs 200 MB, and $(disk_full)"
    say "making a private MariaDB in $home/db"
    "${runner[@]}" rm -rf "$home/db/new"
    # Another server that starts removes the temporary tables that it finds in /tmp.
    "${clean[@]}" TMPDIR="$home/tmp" "${runner[@]}" mariadb-install-db --no-defaults --datadir="$home/db/new" --user="$run_user" \
        --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
        --skip-test-db --skip-name-resolve --innodb-log-file-size=32M >"$log" 2>&1 ||
        die "$(database_trouble "$log")"
    "${runner[@]}" mv "$home/db/new" "$home/db/data"
}

# Hands a database that another user ran to the one that runs it now. As that user might still change it, root does
# not touch it: the one reads, the other writes.
database_adopt() {
    local home=$KANSO_HOME old
    [ -d "$home/db" ] && [ -n "${runner[*]}" ] || return 0
    old=$(stat -c %u "$home/db")
    [ "$old" != "$run_uid" ] || return 0
    say "giving the database in $home/db to user '$run_user'"
    if [ "$old" = 0 ]; then # nobody else can change it
        find "$home/db" -xdev -exec chown -h "$run_uid:$run_gid" {} + || die "cannot give $home/db away"
        return
    fi
    local as_old=(setpriv "--reuid=$old" "--regid=$(stat -c %g "$home/db")" --clear-groups --)
    rm -rf "$home/db.new" && mkdir "$home/db.new" && chown "$run_uid:$run_gid" "$home/db.new" &&
        (set -o pipefail; "${as_old[@]}" tar -C "$home/db" -cf - . | "${runner[@]}" tar -C "$home/db.new" -xf - --no-same-owner) &&
        mv -T "$home/db" "$home/db.old" && mv -T "$home/db.new" "$home/db" ||
        die "cannot give $home/db to user '$run_user': $(disk_full)"
    rm -rf "$home/db.old"
}

# What MariaDB reads at each start: the one user besides the administrator, kanso, has rights on its one database, zenml.
# It is made anew, since it may have been the administrator: that one is called as whoever makes the database.
database_sql() {
    cat <<SQL
CREATE DATABASE IF NOT EXISTS zenml CHARACTER SET utf8mb4;
DROP USER IF EXISTS kanso@localhost;
CREATE USER kanso@localhost IDENTIFIED BY '$1';
GRANT ALL ON zenml.* TO kanso@localhost;
SQL
}

# Starts it unless it runs, and waits until it takes connections. The password is made up.
database_start() {
    local home=$KANSO_HOME sock=$KANSO_HOME/db/mariadb.sock log=$KANSO_HOME/log/mariadb.log password from tries
    password=$(secret_file database-password 24) || exit 1
    ZENML_STORE_URL="mysql://kanso:$password@localhost/zenml?unix_socket=$sock"
    pid_of mariadb >/dev/null && return
    finish mariadb TERM 120 # what a killed supervisor left behind
    database_create
    disk_has 16 || die "$(disk_full)"
    "${runner[@]}" rm -f "$sock"
    rm -f "$log.1"
    from=$(stat -c %s "$log" 2>/dev/null || echo 0)
    # Should it die, it is started anew; recovery is MariaDB's own.
    launch mariadb -i -- "$(command -v mariadbd)" --defaults-file="$mariadb_cnf" --user="$run_user" \
        --datadir="$home/db/data" --socket="$sock" --pid-file="$home/db/mariadbd.id" --tmpdir="$home/tmp" \
        --init-file=/dev/fd/3 < <(database_sql "$password")
    for ((tries = 0; tries < 2400; tries++)); do
        "${runner[@]}" test -S "$sock" && return
        if ! pid_of mariadb >/dev/null || [ -e "$home/run/mariadb.state" ] ||
            tail -c "+$((from + 1))" "$log" 2>/dev/null | grep -q 'Aborting'; then
            tail -c "+$((from + 1))" "$log" >"$home/run/mariadb-start.log" 2>/dev/null
            finish mariadb TERM 20
            die "$(database_trouble "$home/run/mariadb-start.log")"
        fi
        sleep 0.05
    done
    die "the private MariaDB takes longer than two minutes to start; see $log"
}

# Says in one line why MariaDB did not start, going by its log.
database_trouble() {
    if grep -qiE 'no space left|disk full|errcode: 28|error: 28|os error 28|error number 28' "$1" || ! disk_has 4; then
        disk_full
    elif grep -qiE 'unable to lock|resource temporarily unavailable' "$1"; then
        echo "another process uses the database in $KANSO_HOME/db; end it first"
    elif grep -qiE 'permission denied|errcode: 13|os error 13' "$1"; then
        echo "user '$run_user' may not use $KANSO_HOME/db; see $KANSO_HOME/log/mariadb.log"
    else
        echo "the private MariaDB did not start: $(grep -E 'ERROR' "$1" | head -1); see $KANSO_HOME/log/mariadb.log"
    fi
}
