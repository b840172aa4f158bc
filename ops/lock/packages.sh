# shellcheck shell=sh
# Debian packages for the tests, and none of their services: sourced by ops/bin/test, which has say() from
# environment.sh; never run by itself.

# Prints every installed package, a line each, sorted.
installed_packages() {
    dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.i. *//p' | LC_ALL=C sort -u
}

# services_of PACKAGE...: prints the services they bring, whichever init system they are for.
services_of() {
    dpkg -L "$@" 2>/dev/null |
        sed -n -e 's|^/etc/init\.d/\([^/]*\)$|\1|p' -e 's|^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\)\.service$|\2|p' |
        LC_ALL=C sort -u
}

# quiet_services BEFORE: stops and disables the services of every package that was not installed when the file BEFORE
# (of installed_packages) was written. They are asked for through `service`, which knows systemd and the init scripts
# and, unlike invoke-rc.d, does as it is told whatever policy-rc.d says. What ran before is left as it was.
quiet_services() {
    new=$(installed_packages | LC_ALL=C comm -13 "$1" -)
    [ "$new" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    for service in $(services_of $new); do
        if service "$service" status >/dev/null 2>&1; then
            service "$service" stop >/dev/null 2>&1 || say "could not stop the service $service"
        fi
        if [ -d /run/systemd/system ]; then
            systemctl --quiet disable "$service" >/dev/null 2>&1 || true
        fi
        update-rc.d "$service" disable >/dev/null 2>&1 || true
    done
}
