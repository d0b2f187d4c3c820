//! A box with something of everything.

#![allow(clippy::unwrap_used)] // helpers of tests are tests
#![allow(dead_code)] // not every test needs all of it

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use repute_metrics::{
    BoxSnapshot, Build, CrowdChanges, DnsSnapshot, DnstapSnapshot, EventInput, EventSink, FeedSnapshot,
    GardenSnapshot, GeoSnapshot, Named, PolicyInForce, PortSnapshot, RequestLatency, ServiceSnapshot,
    StoreSnapshot, UpstreamSnapshot, WorkerSnapshot,
};

pub fn at(seconds: u64) -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds))
}

fn port(name: &str) -> PortSnapshot {
    PortSnapshot {
        name: name.to_owned(),
        received: 1000,
        received_bytes: 640_000,
        forwarded: 900,
        dropped: vec![Named::new("standing", 60), Named::new("queue-full", 10)],
        queued: 20,
        handed: 15,
        taken: 5,
        offered: 942,
        released: 20,
        mirrored: 10,
        answered: 7,
        resets: 3,
        own: 2,
        sent: 941,
        sent_bytes: 600_000,
        refused: 1,
    }
}

fn worker(number: u16) -> WorkerSnapshot {
    WorkerSnapshot {
        number,
        ticks: 60_000,
        policy_version: 3,
        batches: 500,
        ports: vec![port("outside"), port("inside")],
        bands: vec![Named::new("excellent", 800), Named::new("malicious", 60)],
        control: vec![Named::new("arp", 12)],
        shadow: vec![Named::new("standing", 5), Named::new("syn-retry", 0)],
        crowd_refused: 6,
        crowd_left_out: 1,
        dns: DnsSnapshot {
            queries: vec![Named::new("cached", 30), Named::new("challenge", 4)],
            outcomes: vec![Named::new("answered", 20), Named::new("silent", 1)],
            zone_effects: vec![Named::new("nxdomain", 11)],
            zone_triggers: vec![Named::new("qname", 11)],
            lookups: vec![Named::new("hit", 9), Named::new("miss", 21)],
            learned: vec![Named::new("kept", 18), Named::new("no-ttl", 2)],
            given_up: vec![Named::new("expired", 3)],
            unasked: 2,
            cache_answers: 15,
            cache_bytes: 1920,
            tapped: vec![Named::new("copied", 4), Named::new("lost", 1)],
            ..DnsSnapshot::default()
        },
        flows_displaced: 8,
        findings: vec![Named::new("not-tls", 3), Named::new("signature", 1)],
        tracked: 250,
        capacity: 1000,
        sweep_ms: 1250,
        longest_breath_ns: 2_500_000,
        memory_bytes: 1 << 20,
        stage_cycles: vec![Named::new("find", 1 << 33)],
        measured_packets: 64,
        ..WorkerSnapshot::default()
    }
}

pub fn sample() -> BoxSnapshot {
    let latency = RequestLatency::default();
    for micros in [300, 700, 20_000, 9_000_000] {
        latency.observe("ScoreService/Explain", "OK", Duration::from_micros(micros));
    }
    BoxSnapshot {
        build: Build {
            version: "0.1.0".to_owned(),
            revision: "abcdef0".to_owned(),
            dpdk: "22.11.7".to_owned(),
        },
        started: at(0),
        policy: PolicyInForce { version: 3, applied: at(30), shadow: true },
        workers: vec![worker(0), worker(1)],
        services: vec![
            ServiceSnapshot {
                name: "database".to_owned(),
                shadow_packets: vec![Named::new("slowed", 12), Named::new("cut", 0)],
                shadow_bytes: vec![Named::new("slowed", 15_000), Named::new("cut", 0)],
                sources: vec![Named::new("good", 7), Named::new("poor", 2)],
                score: Some(0.885),
                usual_per_s: 1_000_000,
                volume_per_s: 750_000,
                at_this_hour: Some((1200.0, 900_000.0)),
            },
            ServiceSnapshot { shadow_packets: vec![Named::new("cut", 7)], ..ServiceSnapshot::default() },
        ],
        upstreams: vec![UpstreamSnapshot {
            name: "192.0.2.53:5353".to_owned(),
            is_up: true,
            asked: 70,
            answered: 68,
            checks: 60,
            failed_checks: 3,
            downs: 1,
        }],
        mitigations_active: 4,
        crowds_in_flood: vec![Named::new("syn", 2), Named::new("answer", 0)],
        crowd_changes: vec![CrowdChanges { flood: "syn", state: "flood", count: 3 }],
        feeds: vec![FeedSnapshot {
            name: "drop".to_owned(),
            entries: 1200,
            refreshed: at(10),
            refreshes: 5,
            failures: 1,
            failing: true,
        }],
        geo: GeoSnapshot {
            databases: vec![("GeoLite2-Country".to_owned(), at(0).unwrap())],
            subjects: 12,
            lowered: 2,
        },
        sinks: vec![EventSink { name: "syslog".to_owned(), queued: 2, capacity: 1024, sent: 90, dropped: 3 }],
        inputs: vec![EventInput { name: "suricata".to_owned(), received: 745, refused: 5 }],
        dnstap: Some(DnstapSnapshot { sent: 90, lost: 4, connected: 2 }),
        garden: Some(GardenSnapshot {
            pages: 8,
            solutions: vec![Named::new("counted", 5), Named::new("unknown", 1)],
            refused: vec![Named::new("expired", 2)],
        }),
        store: Some(StoreSnapshot {
            file_bytes: 4 << 20,
            last_round: at(50),
            sources: 500,
            explanations: 77,
            failures: 0,
        }),
        requests: latency.series(),
    }
}

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
