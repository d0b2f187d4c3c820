#!/usr/bin/env bash
# testpmd sends through the daemon over shared memory, and both have to have counted the same.
#
#   benches/testpmd/memif.sh [SECONDS]     (default: 3; scripts/bench memif prepares the machine)
#
# testpmd has both ends of the wire: two zero-copy clients of net_memif. Its flows go in by both ports of the daemon
# and come out by the other. Prints packets per CPU second of either, and ends with 0 only if no packet was lost
# sight of. Needs root, huge pages, jq, and two cores; the daemon works on the last one.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

seconds=${1-3}
# Slots of a ring: what may still lie in it when testpmd stops receiving.
RING=1024
((EUID == 0)) || die "shared memory between two processes on huge pages needs root; run it with sudo"
for tool in dpdk-testpmd jq; do
    command -v "$tool" >/dev/null || die "$tool is missing; way out: scripts/setup bench demo"
done

dir=$(mktemp -d -t "repute-memif-$$.XXXXXX")
daemon='' sender=''
cleanup() {
    exec 3>&- || true
    [[ -z $sender ]] || end "$sender"
    [[ -z $daemon ]] || end "$daemon"
    [[ -z $sender ]] || rm -rf "/run/dpdk/testpmd-$sender"
    rm -rf "$dir"
}
trap cleanup EXIT

# wait_for SECONDS COMMAND…: tries again until it holds.
wait_for() {
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        ((tries-- > 0)) || return 1
        sleep 0.1
    done
}

# CPU nanoseconds of the thread of process $1 whose name begins with $2.
cpu_ns() {
    local task
    for task in "/proc/$1"/task/*; do
        if [[ $(<"$task/comm") == "$2"* ]]; then
            cut -d' ' -f1 "$task/schedstat"
            return
        fi
    done
    echo 0
}

# Field $2 of testpmd's last table of port $1.
counted() {
    awk -v port="port $1 " -v field="$2" '
        /NIC statistics for/ { mine = index($0, port) }
        mine { for (i = 1; i < NF; i++) if ($i == field) value = $(i + 1) }
        END { print value + 0 }' "$dir/testpmd.log"
}

port() { echo "net_memif$1,role=$2,id=0,rsize=10,socket=$dir/$3.sock,socket-abstract=no"; }

say "the daemon between two ports of net_memif"
target/release/reputed run benches/testpmd/bump.toml --huge-pages require --socket "$dir/api.sock" \
    --port "outside=$(port 0 server outside)" --port "inside=$(port 1 server inside)" \
    --account "$dir/account.json" >"$dir/daemon.log" 2>&1 &
daemon=$!
wait_for 20 test -S "$dir/inside.sock" || die "the daemon does not start: $(tail -5 "$dir/daemon.log")"

say "testpmd sends for $seconds s"
mkfifo "$dir/commands"
benches/testpmd/send.sh flowgen 0,0 "$(port 0 client outside),zero-copy=yes" "$(port 1 client inside),zero-copy=yes" \
    <"$dir/commands" >"$dir/testpmd.log" 2>&1 &
sender=$!
exec 3>"$dir/commands"
wait_for 20 grep -q 'flowgen packet forwarding' "$dir/testpmd.log" ||
    die "testpmd does not start: $(tail -5 "$dir/testpmd.log")"
before=$(cpu_ns "$daemon" worker-0) sending=$(cpu_ns "$sender" rte-worker)
sleep "$seconds"
worked=$(($(cpu_ns "$daemon" worker-0) - before)) sent=$(($(cpu_ns "$sender" rte-worker) - sending))
echo stop >&3
sleep 0.5
echo "show port stats all" >&3
wait_for 5 grep -q 'NIC statistics for port 1' "$dir/testpmd.log" || die "testpmd does not answer"
sleep 0.5
end "$daemon"
daemon=''
echo quit >&3

[[ -s $dir/account.json ]] || die "the daemon wrote no account: $(tail -5 "$dir/daemon.log")"
account() { jq -r --arg name "$1" ".ports[] | select(.name == \$name) | .$2" "$dir/account.json"; }
lost=0 packets=0 n=0
for name in outside inside; do
    out=$(counted "$n" TX-packets:) back=$(counted "$n" RX-packets:)
    received=$(account "$name" received) gone=$(account "$name" sent)
    packets=$((packets + received))
    conserved=$(account "$name" conserved)
    echo "port $name: testpmd sent $out and received $back; the daemon received $received and sent $gone," \
        "refused $(account "$name" refused), conserved: $conserved"
    # What testpmd had not yet taken when it stopped lies in the ring.
    if ((out != received || gone < back || gone - back > RING)) || [[ $conserved != true ]]; then
        lost=1
    fi
    n=$((n + 1))
done
((packets > 0)) || die "no packet went through"
awk -v packets="$packets" -v worked="$worked" -v sent="$sent" 'BEGIN {
    printf "%.2f M packets per CPU second of the daemon, %.2f M of testpmd\n", packets / worked * 1e3, packets / sent * 1e3
}'
((lost == 0)) || die "the counters do not agree: packets were lost sight of"
echo "every packet is accounted for"
