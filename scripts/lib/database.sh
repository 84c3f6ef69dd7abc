# The private MariaDB under $KANSO_HOME. Sourced by scripts/kanso.

# Whether the database is ours to run: none was named.
database_private() {
    [ -z "${given_store_url:-}" ]
}

# Makes the data directory on first use. It takes its name only when it is complete.
database_create() {
    local home=$KANSO_HOME log=$KANSO_HOME/log/mariadb-install.log
    [ -d "$home/db/data" ] && return
    disk_has 200 || die "a new database needs 200 MB, and $(disk_full)"
    say "making a private MariaDB in $home/db"
    rm -rf "$home/db/new"
    "${runner[@]}" mariadb-install-db --no-defaults --datadir="$home/db/new" --user="$run_user" \
        --auth-root-authentication-method=socket --auth-root-socket-user="$run_user" \
        --skip-test-db --skip-name-resolve --innodb-log-file-size=32M >"$log" 2>&1 ||
        die "$(database_trouble "$log")"
    mv "$home/db/new" "$home/db/data"
}

# Starts it unless it runs, and waits until it takes connections. Its one user besides the administrator,
# kanso, has rights on its one database, zenml; the password is made up.
database_start() {
    local home=$KANSO_HOME sock=$KANSO_HOME/run/mariadb.sock password from tries
    password=$(secret_file database-password 24) || exit 1
    export ZENML_STORE_URL="mysql://kanso:$password@localhost/zenml?unix_socket=$sock"
    pid_of mariadb >/dev/null && return
    finish mariadb TERM 120 # what a killed supervisor left behind
    database_create
    disk_has 16 || die "$(disk_full)"
    cat >"$home/etc/database.sql" <<SQL || die "$(disk_full)"
CREATE DATABASE IF NOT EXISTS zenml CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS kanso@localhost IDENTIFIED BY '$password';
ALTER USER kanso@localhost IDENTIFIED BY '$password';
GRANT ALL ON zenml.* TO kanso@localhost;
SQL
    chmod 600 "$home/etc/database.sql"
    [ -z "${runner[*]}" ] || chown "$run_user" "$home/etc/database.sql"
    rm -f "$sock"
    from=$(stat -c %s "$home/log/mariadb.log" 2>/dev/null || echo 0)
    # multiwatch starts it anew should it die; recovery is MariaDB's own.
    launch mariadb multiwatch -f 1 -r 5 -t 10000 -s TERM -- "$(command -v mariadbd)" \
        --defaults-file="${KANSO_MARIADB_CNF:-$root/sql/mariadb.cnf}" --user="$run_user" \
        --datadir="$home/db/data" --socket="$sock" --pid-file="$home/run/mariadbd.id" --tmpdir="$home/tmp" \
        --init-file="$home/etc/database.sql"
    for ((tries = 0; tries < 2400; tries++)); do
        [ -S "$sock" ] && return
        if ! pid_of mariadb >/dev/null || tail -c "+$((from + 1))" "$home/log/mariadb.log" | grep -q 'Aborting'; then
            tail -c "+$((from + 1))" "$home/log/mariadb.log" >"$home/tmp/mariadb-start.log" 2>/dev/null
            finish mariadb TERM 20
            die "$(database_trouble "$home/tmp/mariadb-start.log")"
        fi
        sleep 0.05
    done
    die "the private MariaDB takes longer than two minutes to start; see $home/log/mariadb.log"
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
