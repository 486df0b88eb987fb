#!/bin/sh
# Run a command in a network namespace of its own, so that captures see no packets but its own; where there are no
# namespaces, as it is.
#
#     sh scripts/alone.sh COMMAND...
#     sh scripts/alone.sh --possible     exits with 0 where there are namespaces
#
# Nothing leads out of it. SSLsplit, though, resolves not even 127.0.0.1 where the kernel knows no way to an address
# that its libevent tries, so there is one to that address, over a wire without an end.
set -eu
if [ "$1" = --possible ]; then
    exec unshare -n ip link set lo up 2> /dev/null
fi
if ! sh "$0" --possible; then
    exec "$@"
fi
exec unshare -n sh -eu -c '
    ip link set lo up
    if ip link add out type veth peer name nowhere 2> /dev/null; then
        ip address add 198.51.100.1/32 dev out
        ip link set out up
        ip link set nowhere up
        ip route add 18.244.0.188/32 dev out
    fi
    exec "$@"' sh "$@"
