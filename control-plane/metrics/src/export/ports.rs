//! Packets by port and worker, and whether they add up.

use std::fmt;

use crate::family::{About, Families, Labels};
use crate::{PortSnapshot, WorkerSnapshot};

type Counter = (About, fn(&PortSnapshot) -> u64);

const fn packets(name: &'static str, help: &'static str) -> About {
    About { name, unit: "packets", help }
}

const COUNTERS: [Counter; 15] = [
    (packets("port_received", "Packets taken from the port."), |p| p.received),
    (
        About {
            name: "port_received",
            unit: "bytes",
            help: "Bytes on the wire of packets taken from the port.",
        },
        |p| p.received_bytes,
    ),
    (
        packets("port_forwarded", "Packets from the port that were sent on, taken by the way out or not."),
        |p| p.forwarded,
    ),
    (packets("port_queued", "Packets from the port that were held back to be released later."), |p| p.queued),
    (
        packets(
            "port_handed",
            "Packets from the port that were handed over to the worker that owns their source.",
        ),
        |p| p.handed,
    ),
    (packets("port_taken", "Packets from the port that were taken over from another worker."), |p| p.taken),
    (
        packets(
            "port_offered",
            "Packets meant for the port: forwarded, released, copied, answered, reset or asked to it.",
        ),
        |p| p.offered,
    ),
    (packets("port_released", "Packets meant for the port that had been held back before."), |p| p.released),
    (packets("port_mirrored", "Packets meant for the port that are copies for a mirror."), |p| p.mirrored),
    (
        packets("port_answered", "Packets meant for the port that the box made in place of whom was asked."),
        |p| p.answered,
    ),
    (packets("port_resets", "Packets meant for the port by which the box ended connections."), |p| p.resets),
    (
        packets(
            "port_own",
            "Packets meant for the port by which the box asks: who has an address, and who is up.",
        ),
        |p| p.own,
    ),
    (packets("port_sent", "Packets taken by the port."), |p| p.sent),
    (
        About { name: "port_sent", unit: "bytes", help: "Bytes on the wire of packets taken by the port." },
        |p| p.sent_bytes,
    ),
    (packets("port_refused", "Packets that the port refused because its queue was full."), |p| p.refused),
];

const DROPPED: About = packets("port_dropped", "Packets from the port that were dropped, by reason.");

const IMBALANCE: About = packets(
    "conservation_imbalance",
    "Packets that an identity of conservation cannot account for; never anything but 0. in: received + taken - \
     forwarded - dropped - queued - handed. out: offered - sent - refused. between (all ports together): forwarded + \
     released + mirrored + answered + resets + own - offered.",
);

pub(super) fn export(workers: &[WorkerSnapshot], families: &mut Families) -> fmt::Result {
    let numbers: Vec<String> = workers.iter().map(|worker| worker.number.to_string()).collect();
    let ports = || {
        let workers = numbers.iter().zip(workers);
        workers.flat_map(|(number, worker)| worker.ports.iter().map(move |port| (number.as_str(), port)))
    };
    for (about, value) in COUNTERS {
        families.counter(about, ports().map(|(number, port)| (labels(number, port), value(port))))?;
    }
    let dropped = ports().flat_map(|(number, port)| {
        port.dropped.iter().map(move |dropped| {
            let mut labels = labels(number, port);
            labels.push(("reason", &dropped.name));
            (labels, dropped.count)
        })
    });
    families.counter(DROPPED, dropped)?;
    let of_ports = ports().flat_map(|(number, port)| {
        [("in", port.imbalance_in()), ("out", port.imbalance_out())].map(|(identity, packets)| {
            let mut labels = labels(number, port);
            labels.push(("identity", identity));
            (labels, packets as f64)
        })
    });
    let between = numbers.iter().zip(workers).map(|(number, worker)| {
        let labels = vec![("worker", number.as_str()), ("port", "all"), ("identity", "between")];
        (labels, worker.imbalance_between() as f64)
    });
    families.gauge(IMBALANCE, of_ports.chain(between))
}

fn labels<'a>(number: &'a str, port: &'a PortSnapshot) -> Labels<'a> {
    vec![("worker", number), ("port", &port.name)]
}
