#!/usr/bin/env bash
# The interceptor beside dnsdist with its packet cache: answers per second of CPU, in the same place.
#
#   benches/dnsdist/beside.sh [SECONDS]     (default: 10; scripts/bench dnsdist builds first)
#
# Client - box - unbound in the namespaces of scripts/lab; dnsperf asks for a thousand names, all of which the box has
# by then, first of reputed, then of dnsdist, three times in turn. Both have one CPU to themselves, the generator and
# unbound have the other; both speak with the same two interfaces of the kernel, reputed through af_packet, dnsdist
# through its sockets. What counts is the CPU time of each process, that of the kernel on its behalf included: the
# generator may be the slower of the two. Writes target/bench/dnsdist.json, which the next `scripts/bench
# --write-results` puts into benches/RESULTS.md.
# Needs root and two cores.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

seconds=${1-10}
ROUNDS=3
NAMES=1000
# dnsperf has this many queries under way, from this many ports.
WINDOW=400 PORTS=16
for tool in dnsperf dnsdist jq unbound; do
    command -v "$tool" >/dev/null || die "$tool is missing; way out: scripts/setup run test bench"
done

dir=$(mktemp -d -t "repute-dnsdist-$$.XXXXXX")
lab=
# The lab ends what runs in it.
trap '[[ -z $lab ]] || REPUTE_LAB=$lab scripts/lab down; rm -rf "$dir"' EXIT
chmod 755 "$dir"

gateway() { scripts/lab exec gateway "$@"; }

# What dnsperf says of a run against $1: queries that were answered, and those that were lost.
ask() { scripts/lab exec client dnsperf -s "$1" -d "$dir/names" -q $WINDOW -c $PORTS -l "$2" 2>&1; }

said() { awk -F: -v what="$1" '$0 ~ what { split($2, words, " "); print words[1] }'; }

# CPU time of process $1 in ms, of all of its threads, here and in the kernel.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$1/stat"; }

# A round against $1, whose process is $2: its numbers as JSON.
round() {
    local before after output
    ask "$1" 1 >/dev/null
    before=$(cpu_ms "$2")
    output=$(ask "$1" "$seconds")
    after=$(cpu_ms "$2")
    jq -n --argjson answers "$(said 'Queries completed' <<<"$output")" --argjson lost "$(said 'Queries lost' <<<"$output")" \
        --argjson cpu_ms "$((after - before))" '{$answers, $lost, $cpu_ms, per_cpu_s: ($answers * 1000 / $cpu_ms)}'
}

configs() {
    local name
    for ((name = 0; name < NAMES; name++)); do echo "host$name.site$((name % 50)).example A"; done >"$dir/names"
    cat >"$dir/repute.toml" <<'END'
[ports.outside]
role = "outside"
[ports.inside]
role = "inside"
[workers]
idle = "adaptive"
[profiles.dns]
servers = ["10.77.0.2"]
# The generator is one client, and asks for more than anybody would.
[profiles.dns.paths]
neutral = "cached"
poor = "cached"
malicious = "cached"
END
    {
        cat <<END
server:
 interface: 0.0.0.0
 access-control: 0.0.0.0/0 allow
 do-daemonize: no
 username: ""
 chroot: ""
 directory: "$dir"
 pidfile: "$dir/unbound.pid"
 use-syslog: no
 module-config: "iterator"
 local-zone: "example." static
END
        awk '{ printf " local-data: \"%s 86400 A 198.51.100.%d\"\n", $1, NR % 256 }' "$dir/names"
    } >"$dir/unbound.conf"
    cat >"$dir/dnsdist.conf" <<'END'
setLocal("10.77.0.2:53")
setACL("0.0.0.0/0")
newServer({ address = "10.78.0.2:53", checkName = "host0.site0.example." })
getPool(""):setCache(newPacketCache(100000, { maxTTL = 86400 }))
setSecurityPollSuffix("")
END
}

# The gateway is a wire that reputed looks into, or a host that dnsdist runs on: it has the server's address then, and the
# server has another one.
becomes() {
    local server=10.77.0.2/24 other=10.78.0.2/24
    [[ $1 == wire ]] || { server=10.78.0.2/24 other=10.77.0.2/24; }
    scripts/lab exec server ip address flush dev eb scope global
    scripts/lab exec server ip address add "$server" dev eb
    gateway ip address flush dev wa
    gateway ip address flush dev wb
    [[ $1 == wire ]] || {
        gateway ip address add "$other" dev wa
        gateway ip address add 10.78.0.1/24 dev wb
    }
    # Whoever has the address now has another hardware address.
    scripts/lab exec client ip neighbour flush dev ea
    scripts/lab exec server ip neighbour flush dev eb
}

until_answered() {
    local tries=50
    until ask "$1" 1 | grep -q 'Queries completed: *[1-9]'; do
        ((tries-- > 0)) || die "nobody answers at $1: $(tail -n 5 "$dir"/*.log)"
    done
}

ours() {
    becomes wire
    scripts/lab start
    until_answered 10.77.0.2
    round 10.77.0.2 "$(<"$lab/reputed.pid")"
    scripts/lab stop
}

theirs() {
    local pid
    becomes host
    # Every program in between replaces itself by the next: the id is that of dnsdist.
    scripts/lab exec gateway taskset -c "$((($(nproc) > 1) ? 1 : 0))" \
        dnsdist --supervised --disable-syslog -C "$dir/dnsdist.conf" >"$dir/dnsdist.log" 2>&1 &
    pid=$!
    until_answered 10.77.0.2
    round 10.77.0.2 "$pid"
    end "$pid"
    wait "$pid" || true
}

configs
scripts/lab up "$dir/repute.toml" >"$dir/lab"
lab=$(<"$dir/lab")
export REPUTE_LAB=$lab
scripts/lab stop
scripts/lab exec server unbound -c "$dir/unbound.conf" >"$dir/unbound.log" 2>&1 &
for ((number = 1; number <= ROUNDS; number++)); do
    say "round $number of $ROUNDS: $((2 * seconds)) s" >&2
    ours >>"$dir/ours"
    theirs >>"$dir/theirs"
done
mkdir -p target/bench
jq -n --slurpfile ours "$dir/ours" --slurpfile theirs "$dir/theirs" \
    --arg commit "$(git describe --always --dirty)" --arg dnsdist "$(dnsdist --version | awk 'NR == 1 { print $2 }')" '
    def median: sort | .[length / 2 | floor];
    def sum_up: { per_cpu_s: (map(.per_cpu_s) | median | floor), answers: (map(.answers) | add), lost: (map(.lost) | add),
                  rounds: map(.per_cpu_s | floor) };
    { $commit, $dnsdist, repute: ($ours | sum_up), theirs: ($theirs | sum_up) }
    | . + { ratio: (.repute.per_cpu_s / .theirs.per_cpu_s * 100 | round / 100) }' >target/bench/dnsdist.json
jq -r '"answers per CPU second: repute \(.repute.per_cpu_s), dnsdist \(.dnsdist) \(.theirs.per_cpu_s): \(.ratio) times as many",
       "lost: \(.repute.lost) of \(.repute.answers), \(.theirs.lost) of \(.theirs.answers)"' target/bench/dnsdist.json
