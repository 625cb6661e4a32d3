#!/bin/bash
# Install Debian packages (as root) without starting, enabling or configuring any service.
# Usage: install-packages.sh PACKAGE...
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
no_cluster=$clusters/tamis-setup.conf
packages=("$@")
log=$(mktemp)
our_policy=no
our_clusters=no

# Demo and tests start their own; the packaged services stay off after the next boot, too.
disable_services() {
    local package
    command -v systemctl >/dev/null || return 0
    for package; do
        case $package in
            postfix | redis-server | opendkim | opendmarc) systemctl --quiet disable "$package" >"$log" 2>&1 || true ;;
            clamav-daemon)
                systemctl --quiet disable clamav-daemon.service clamav-daemon.socket clamav-clamonacc.service \
                    clamav-freshclam.service clamav-freshclam-once.timer >"$log" 2>&1 || true
                ;;
            spamd) systemctl --quiet disable spamd.service spamassassin-maintenance.timer >"$log" 2>&1 || true ;;
            dovecot-core) systemctl --quiet disable dovecot.service dovecot.socket >"$log" 2>&1 || true ;;
        esac
    done
}

clean_up() {
    trap '' INT TERM HUP
    disable_services "${packages[@]}"
    if [ "$our_policy" = yes ]; then rm -f "$policy"; fi
    rm -f "$no_cluster"
    if [ "$our_clusters" = yes ]; then rmdir --ignore-fail-on-non-empty "$clusters"; fi
    rm -f "$log"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Debian asks this program before a package starts a service; 101 means: it may not.
if [ ! -e "$policy" ]; then
    our_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# A PostgreSQL that is new to the system makes a cluster, unless a file here says no while it is installed.
for package; do
    case $package in
        postgresql | postgresql-[0-9]*)
            if [ ! -d "$clusters" ]; then
                our_clusters=yes
                mkdir -p "$clusters"
            fi
            echo 'create_main_cluster = false' >"$no_cluster"
            ;;
    esac
done

# One line on failure, after what apt said.
run_apt() {
    apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}

known_to_apt() {
    local package
    for package; do
        [ -n "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || return 1
    done
}

# What dbconfig-no-thanks would have to replace.
has_dbconfig_helper() {
    local states
    # shellcheck disable=SC2016  # the variable is dpkg-query's
    states=$(dpkg-query -W -f '${db:Status-Status} ' dbconfig-{mysql,pgsql,sqlite,sqlite3} 2>/dev/null || true)
    [[ " $states" == *" installed "* ]]
}

install() {
    # --no-remove: an MTA that is there already is never replaced.
    run_apt install --yes --no-install-recommends --no-remove "$@"
}

fail() {
    tail -n 15 "$log" >&2
    echo "setup: apt-get could not install: $*" >&2
    exit 1
}

updated=no
if ! known_to_apt "$@"; then
    echo "Reading the lists of Debian packages"
    run_apt update || fail "$@"
    updated=yes
fi
for package; do
    if command -v debconf-set-selections >/dev/null; then
        case $package in
            postfix) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
            opendmarc)
                # Fails, and is not needed, where an earlier installation left its answers behind.
                echo "opendmarc opendmarc/dbconfig-install boolean false" | debconf-set-selections 2>"$log" || true
                ;;
        esac
    fi
done
if [[ " $* " == *" opendmarc "* ]] && ! has_dbconfig_helper; then
    # Else it brings a client of MariaDB.
    set -- "$@" dbconfig-no-thanks
fi
echo "Installing Debian packages"
if ! install "$@"; then
    # Lists that are too old name files that are gone.
    if [ "$updated" = yes ] || ! run_apt update || ! install "$@"; then fail "$@"; fi
fi
