# Settings: kanso.conf, $KANSO_HOME and what is kept in it. Sourced by scripts/kanso.

# Exports the NAME=value lines of a file; what the environment has already wins.
settings_load() {
    local line name value number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
        [[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] ||
            die "$1 line $number: expected NAME=value"
        name=${BASH_REMATCH[1]}
        value=${BASH_REMATCH[2]}
        value=${value%"${value##*[![:space:]]}"}
        [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
        [ -n "${!name+set}" ] || export "$name=$value"
    done <"$1"
}

# Reads kanso.conf ($KANSO_CONF, or beside the sources, or in $KANSO_HOME), then fills in defaults.
settings_read() {
    # Installed as a package, it has its settings where packages have them.
    [[ $root != /usr/* ]] || KANSO_CONF=${KANSO_CONF:-/etc/kanso/kanso.conf}
    if [ -n "${KANSO_CONF:-}" ]; then
        [ -r "$KANSO_CONF" ] || die "KANSO_CONF: cannot read $KANSO_CONF"
        settings_load "$KANSO_CONF"
    else
        [ -z "${KANSO_HOME:-}" ] || [ ! -r "$KANSO_HOME/kanso.conf" ] || {
            given_home=$(realpath -ms "$KANSO_HOME")
            home_check # before a file of somebody else's sets what root runs
            settings_load "$KANSO_HOME/kanso.conf"
        }
        [ ! -r "$root/kanso.conf" ] || settings_load "$root/kanso.conf"
    fi
    # What may be secret is handed to those who need it (settings_print), and to nobody else.
    local name
    for name in "${!ZENML_@}" KANSO_WORKLOAD_REGISTRY_PASSWORD KANSO_METRICS_TOKEN; do
        export -n "${name?}"
    done
    proxies=()
    while IFS= read -r name; do
        [[ ${name,,} != *_proxy ]] || proxies+=("$name")
    done < <(compgen -v)
    export KANSO_HOME=${KANSO_HOME:-$(home_default)} KANSO_PORT=${KANSO_PORT:-8080}
    export KANSO_ADDRESS=${KANSO_ADDRESS:-127.0.0.1} KANSO_HTML=${KANSO_HTML:-$root/nginx/html}
    [[ $KANSO_HOME = /* ]] || KANSO_HOME=$PWD/$KANSO_HOME
    given_home=$KANSO_HOME
    KANSO_HOME=$(readlink -m "$KANSO_HOME")
    prefix=${ZENML_SERVER_ROOT_URL_PATH:-}
    given_store_url=${ZENML_STORE_URL:-}
    [[ $KANSO_PORT =~ ^[0-9]{1,5}$ && 10#$KANSO_PORT -ge 1 && 10#$KANSO_PORT -le 65535 ]] ||
        die "KANSO_PORT is '$KANSO_PORT'; it must be a number from 1 to 65535"
    [[ $KANSO_HOME != *[[:space:]\"\'\\\;{}\$]* ]] ||
        die "KANSO_HOME is '$KANSO_HOME'; it must be a path without blanks, quotes and shell characters"
    [ ${#KANSO_HOME} -le 70 ] ||
        die "KANSO_HOME is ${#KANSO_HOME} characters long; 70 is the limit, since it holds Unix sockets"
    if [[ $KANSO_ADDRESS = unix:* ]]; then
        settings_socket
        return
    fi
    reach=${KANSO_ADDRESS#[} # where it can be reached from here
    reach=${reach%]}
    case $reach in
    0.0.0.0) reach=127.0.0.1 ;;
    ::) reach=::1 ;;
    esac
    case $reach in
    *:*) url=http://[$reach]:$KANSO_PORT ;;
    *) url=http://$reach:$KANSO_PORT ;;
    esac
}

# A Unix socket to listen at. Whoever comes by it is a proxy: nobody else gets there.
settings_socket() {
    local path=${KANSO_ADDRESS#unix:}
    [[ $path = /* && $path != *[[:space:]\"\'\\\;{}\$]* && ${#path} -le 100 ]] ||
        die "KANSO_ADDRESS is '$KANSO_ADDRESS'; a socket has an absolute path of at most 100 characters, without blanks and quotes"
    reach='' url=$KANSO_ADDRESS
    [[ ${KANSO_TRUSTED_PROXIES:-} = *unix:* ]] ||
        export KANSO_TRUSTED_PROXIES="${KANSO_TRUSTED_PROXIES:+$KANSO_TRUSTED_PROXIES, }unix:"
}

# Prints the settings that the workers for GROUPS, or a command of kansoctl, need, as kanso-supervise and the programs
# take them.
settings_print() {
    local name
    for name in "${!ZENML_@}" "${!KANSO_@}" "${proxies[@]}" DISABLE_DATABASE_MIGRATION \
        AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN AZURE_CLIENT_SECRET \
        IDENTITY_HEADER VAULT_TOKEN; do
        case $1:$name in
        migrate:* | default-user:* | check:*) ;;
        *:ZENML_DEFAULT_USER_PASSWORD) continue ;;
        *:AWS_* | *:AZURE_* | *:IDENTITY_*) # implicit methods of connectors
            case $1 in *service_connectors* | *artifact_files* | *secrets* | rest | all) ;; *) continue ;; esac
            ;;
        jobs:KANSO_WORKLOAD_REGISTRY_PASSWORD) ;;
        *:KANSO_WORKLOAD_REGISTRY_PASSWORD) continue ;; # only jobs push images
        auth:ZENML_*SECRETS_STORE_* | auth:VAULT_TOKEN) continue ;; # opens no secrets
        probes:ZENML_*SECRETS_STORE_* | probes:VAULT_TOKEN) continue ;; # likewise
        check:KANSO_METRICS_TOKEN | *probes*:KANSO_METRICS_TOKEN) ;;
        *:KANSO_METRICS_TOKEN) continue ;; # only probes answer with counters
        esac
        [ -z "${!name+set}" ] || printf '%s=%s\0' "$name" "${!name}"
    done
}

# Sets `clean`, which runs a program with nothing of this environment but what is no secret.
settings_clean() {
    local name
    clean=(env -i)
    for name in PATH HOME LANG LC_ALL TZ SSL_CERT_FILE DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH KUBECONFIG KUBERNETES_SERVICE_HOST \
        KUBERNETES_SERVICE_PORT AWS_REGION AWS_DEFAULT_REGION AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE \
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
        AWS_EC2_METADATA_DISABLED AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_FEDERATED_TOKEN_FILE IDENTITY_ENDPOINT \
        GOOGLE_APPLICATION_CREDENTIALS ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS; do
        [ -z "${!name+set}" ] || clean+=("$name=${!name}")
    done
}

# kansoctl with the settings, as the user that the workers have: what they cannot read, it complains of.
ctl() {
    "${clean[@]}" KANSO_SETTINGS_FD=3 "${runner[@]}" "$build/bin/kansoctl" "$@" 3< <(settings_print "$1")
}

# Whether the file system of $KANSO_HOME has that many megabytes left; and the line for when not.
disk_has() {
    local free=0
    { read -r && read -r _ _ _ free _; } < <(df -Pk "$KANSO_HOME")
    [ "${free:-0}" -ge $(($1 * 1024)) ]
}
disk_full() {
    echo "the disk is (nearly) full: free some space on $(df -P "$KANSO_HOME" | awk 'NR == 2 { print $6 }')" \
        "(it holds KANSO_HOME=$KANSO_HOME), or set KANSO_HOME to another disk"
}

# Prints the secret in etc/NAME, made up on first use: BYTES random bytes in hexadecimal, mode 0600.
secret_file() {
    local file=$KANSO_HOME/etc/$1
    if [ ! -s "$file" ]; then
        (umask 077; od -An -vtx1 -N"$2" /dev/urandom | tr -d ' \n' >"$file.new") 2>/dev/null &&
            [ "$(stat -c %s "$file.new")" = $(($2 * 2)) ] && mv "$file.new" "$file" ||
            die "cannot write $file: $(disk_has 1 && echo "check its permissions" || disk_full)"
    fi
    cat "$file"
}

# Keys and passwords that were not given. Keys are made up only for a private database: hosts that share a
# database take the signing key from there, and the encryption key of secrets has to be the one that the secrets
# there were written with.
settings_keys() {
    ZENML_DEFAULT_USER_NAME=${ZENML_DEFAULT_USER_NAME:-default}
    ZENML_SERVER_AUTO_ACTIVATE=${ZENML_SERVER_AUTO_ACTIVATE:-true}
    if database_private && [ -z "${ZENML_SERVER_JWT_SECRET_KEY:-}" ]; then
        ZENML_SERVER_JWT_SECRET_KEY=$(secret_file jwt-key 32) || exit 1
    fi
    if database_private && [ "${ZENML_SECRETS_STORE_TYPE:-sql}" = sql ] && [ -z "${ZENML_SECRETS_STORE_ENCRYPTION_KEY:-}" ]; then
        ZENML_SECRETS_STORE_ENCRYPTION_KEY=$(secret_file encryption-key 32) || exit 1
    fi
    new_password='' given_password=${ZENML_DEFAULT_USER_PASSWORD+yes}
    if [ -z "${ZENML_DEFAULT_USER_PASSWORD+set}" ]; then
        # Each database has its own users, so each has its own file.
        local file=default-password
        database_private || file+=-$(cksum <<<"$given_store_url" | cut -d' ' -f1)
        [ -s "$KANSO_HOME/etc/$file" ] || new_password=$KANSO_HOME/etc/$file
        ZENML_DEFAULT_USER_PASSWORD=$(secret_file "$file" 12) || exit 1
    fi
}

# A change of the key of secrets that was cut short is completed before anybody uses a key: the next run of it knows which one
# opens what.
settings_settled() {
    local file
    for file in "$KANSO_HOME/etc/encryption-key" "${KANSO_CONF:-$root/kanso.conf}" "$KANSO_HOME/kanso.conf"; do
        [ ! -e "$file.next" ] || die "a change of the key of secrets was cut short: run \`kansoctl secret reencrypt\` again" \
            "$(! database_private || echo "after \`$me database\` ")($file.next holds the new key)"
    done
}
