//! The table of rows.

mod against;
mod dns;
mod drop;
mod egress;
mod flood;
mod forward;
mod mirroring;
mod peer;

mod protocols;
mod shaping;
mod tables;
mod under_load;
mod workers;

use crate::bench::Bench;
use crate::row::{Better, Outcome, Row};

const CYCLES: &str = "cycles/packet";

type Run = fn(&mut Bench) -> anyhow::Result<Outcome>;

/// Every row, in order.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    ratio("B0", "own rx+tx and own macswap : testpmd io and macswap", 0.95, 1.00, peer::b0),
    ratio("B1", "full ingress path, 1 k sources : own macswap", 0.48, 0.62, forward::b1),
    ratio("B2", "100 k sources : own macswap", 0.42, 0.55, forward::b2),
    ratio("B3", "1 M sources, uniform : own macswap", 0.33, 0.45, forward::b3),
    ratio("B4", "10 M sources : own macswap", 0.25, 0.34, forward::b4),
    ratio("B5", "1 M sources, Zipf 1.0 : own macswap", 0.38, 0.50, forward::b5),
    ratio("B6", "IMIX, 1 M sources : own macswap IMIX", 0.42, 0.52, forward::b6),
    ratio("B7a", "dropped: 1 k malicious sources : own rx-only", 0.40, 0.55, drop::b7a),
    ratio("B7b", "dropped: 1 M feed-listed sources : own rx-only", 0.28, 0.40, drop::b7b),
    ratio("B8", "flood of new sources, table full, feed : own macswap", 0.30, 0.40, flood::b8),
    ratio("B8b", "flood of new sources, table full, feed : B3", 0.80, 1.00, flood::b8b),
    reported("B9", "1 k sources : l3fwd exact match", 1.2, CYCLES, forward::b9),
    reported("B10", "1 M sources : l3fwd ACL, 1 k rules", 1.3, CYCLES, forward::b10),
    ratio("B11", "shaping for 10 % of the sources : unshaped", 0.85, 0.93, shaping::b11),
    ratio("B12", "mirror 1 in 1000 : unmirrored", 0.97, 0.99, mirroring::b12),
    limit("B13", "packets lost installing 10 k rules, 1 M prefixes at 90 %", 0.0, 0.0, "packets", under_load::b13),
    limit("B14", "1 M prefixes from text to live on every worker", 2.0, 0.5, "CPU seconds", tables::b14),
    ratio("B15", "two workers, two cores : one worker", 1.85, 1.95, workers::b15),
    limit("B16", "memory per tracked source, all in", 128.0, 115.0, "bytes", tables::b16),
    ratio("B17", "table alone: find + update, 1 M keys : rte_hash", 1.45, 1.80, tables::b17),
    Row { floor: None, aim: None, better: Better::Less, unit: "cycles",
          ..limit("B18", "from rx to tx in the box at 50 %, p99", 0.0, 0.0, "cycles", under_load::b18) },
    ratio("B19", "DNS query parsed, scored, answered from the cache : own macswap", 0.12, 0.25, dns::b19),
    ratio("B20", "IPv6, 1 M sources : B3", 0.80, 0.92, protocols::b20),
    ratio("B21", "TCP both ways, 100 k connections : own macswap", 0.33, 0.45, protocols::b21),
    ratio("B22", "egress: 10 k sources, 1 M destinations with a standing : own macswap", 0.28, 0.38, egress::b22),
    ratio("B23", "half of the packets handed over : none", 0.80, 0.90, workers::b23),
];

/// A ratio of packets per second, with its floor and its aim.
const fn ratio(id: &'static str, workload: &'static str, floor: f64, aim: f64, run: Run) -> Row {
    Row { id, workload, floor: Some(floor), aim: Some(aim), unit: CYCLES, better: Better::More, run }
}

/// A ratio without a floor.
const fn reported(id: &'static str, workload: &'static str, aim: f64, unit: &'static str, run: Run) -> Row {
    Row { id, workload, floor: None, aim: Some(aim), unit, better: Better::More, run }
}

/// A number that is to stay below its floor, and better below its aim.
const fn limit(
    id: &'static str,
    workload: &'static str,
    floor: f64,
    aim: f64,
    unit: &'static str,
    run: Run,
) -> Row {
    Row { id, workload, floor: Some(floor), aim: Some(aim), unit, better: Better::Less, run }
}
