#!/usr/bin/env bash
# testpmd on one or two ports, in one of the set-ups of the benchmarks.
#
#   benches/testpmd/send.sh SETUP MAIN_CORE,CORE DEVICE [DEVICE]
#
# SETUP: flowgen     sends flows of 1024 destinations by each port and counts what comes back
#        multi-flow  sends from many sources as fast as it can, and receives nothing (`txonly`)
#        sink        receives and counts (`rxonly`)
#        macswap     sends back what it receives with its MAC addresses swapped: the peer of row B0
#        io          sends on what it receives, port to port
# DEVICE: a PCI address bound to vfio-pci, or a virtual device such as net_memif0,role=client,zero-copy=yes
#
# Commands follow on standard input: `start`, `show port stats all`, `stop`, `quit`. testpmd ends with its input.
set -euo pipefail

usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

(($# >= 3)) || { usage >&2 && exit 2; }
setup=$1 cores=$2
shift 2
case $setup in
    flowgen) mode=(--forward-mode=flowgen --flowgen-flows=1024) ;;
    multi-flow) mode=(--forward-mode=txonly --txonly-multi-flow --txpkts=64) ;;
    sink) mode=(--forward-mode=rxonly) ;;
    macswap) mode=(--forward-mode=macswap) ;;
    io) mode=(--forward-mode=io) ;;
    *)
        usage >&2
        exit 2
        ;;
esac

main=${cores%%,*} work=${cores##*,}
eal=(--iova-mode=va --in-memory --single-file-segments "--file-prefix=testpmd-$$" "--lcores=0@$main,1@$work")
topology=loop
(($# == 1)) || topology=paired
virtual=true
for device in "$@"; do
    case $device in
        net_*) eal+=("--vdev=$device") ;;
        *) eal+=("--allow=$device") && virtual=false ;;
    esac
done
! $virtual || eal+=(--no-pci)
# Line by line: whoever reads its output waits for it.
exec stdbuf -oL dpdk-testpmd "${eal[@]}" -- --interactive --no-flush-rx --burst=64 --nb-cores=1 \
    "--port-topology=$topology" --total-num-mbufs=16384 --auto-start "${mode[@]}"
