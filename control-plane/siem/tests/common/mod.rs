//! Events of every kind, and where the corpus is.

#![allow(dead_code)] // each test file uses its part
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use repute_model::{Band, CrowdState, Factor, Finding, Flood, Meter, Score, Soften, Source, Treatment};
use repute_siem::*;

/// A fixed time.
pub fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456)
}

/// A bus of a box with an awkward name.
pub fn bus() -> Bus {
    Bus::new("edge-1.example", BootId(0x18b), 7)
}

/// A source.
pub fn source(text: &str) -> Source {
    text.parse().unwrap()
}

/// A mitigation with every limit there is.
pub fn mitigation(phase: Phase, who: &str) -> Mitigation {
    let meter =
        Meter { packets_per_s: Some(100), packet_burst: 10, bytes_per_s: Some(125_000), byte_burst: 1500 };
    Mitigation {
        phase,
        source: source(who),
        band: Band::Malicious,
        score: Score::new(1234),
        treatment: Treatment {
            log: true,
            meter: Some(meter),
            queue_new: Some(50),
            soften: Some(Soften { segments: 4, mss: 1220, round_trips: 3 }),
            drop: true,
            ..Treatment::PASS
        },
        cause: Factor::SynAck,
        began: at() - Duration::from_secs(90),
        duration: Duration::from_millis(90_500),
        shadow: false,
    }
}

fn crowd(crowd: &str, from: CrowdState, to: CrowdState) -> What {
    CrowdChanged {
        crowd: crowd.parse().unwrap(),
        flood: Flood::Syn,
        from,
        to,
        excess: 24.04,
        limit: 12.0,
        per_s: 312.5,
        completed_per_s: 2.25,
        usual_per_s: 3.0,
        heard: true,
        senders: (to == CrowdState::Flood).then(|| CrowdSenders {
            samples: 90.5,
            network: Some("198.51.100.0/24".parse().unwrap()),
            network_share: 0.75,
            port: None,
            port_share: 0.0,
            entropy: 0.25,
        }),
        narrow: false,
    }
    .into()
}

fn step(state: StepState, step: Option<&str>, detail: Option<&str>) -> What {
    IncidentStep {
        incident: "0000-1".to_owned(),
        source: source("2001:db8:0:1::/64"),
        cause: Factor::Ports,
        state,
        step: step.map(str::to_owned),
        detail: detail.map(str::to_owned),
    }
    .into()
}

/// At least one event of every kind, with texts that need escaping.
pub fn every() -> Vec<What> {
    let text = |text: &str| text.to_owned();
    let nasty = || text("quo\"te back\\slash brack]et pi|pe eq=ual\nline\ttab ünïcode \u{202e}");
    let band = |who: &str, from, to| BandChanged {
        source: source(who),
        from,
        to,
        score: Score::new(2000),
        cause: Factor::Feed,
    };
    let alert = |rank, source| AlertReceived {
        input: text("suricata"),
        signature: text("2010935"),
        name: nasty(),
        category: text("Potentially Bad Traffic"),
        rank,
        source,
        outcome: text("-500 points by rule scans"),
    };
    vec![
        band("192.0.2.7", Band::Good, Band::Malicious).into(),
        band("192.0.2.7", Band::Malicious, Band::Poor).into(),
        band("2001:db8:0:1::/64", Band::Neutral, Band::Excellent).into(),
        mitigation(Phase::Began, "192.0.2.7").into(),
        mitigation(Phase::Changed, "2001:db8::7").into(),
        mitigation(Phase::Ended, "2001:db8:0:1::/64").into(),
        InspectionHit {
            source: source("192.0.2.7"),
            finding: Finding::Signature,
            signature: Some(text("beacon")),
            destination: "2001:db8::9".parse::<std::net::IpAddr>().unwrap().into(),
            protocol: 6,
            port: 443,
        }
        .into(),
        HoneypotAsked { source: source("192.0.2.7"), name: text("c2.trap.example"), counted: true }.into(),
        HoneypotAsked { source: source("2001:db8:0:1::/64"), name: nasty(), counted: false }.into(),
        ChallengePassed {
            source: source("2001:db8:0:1::/64"),
            before: Score::new(5500),
            after: Score::new(6500),
        }
        .into(),
        FeedLoaded { feed: text("drop"), entries: 1692, refused: 3 }.into(),
        FeedFailed { feed: nasty(), reason: nasty(), kept: None }.into(),
        FeedStale { feed: text("drop"), entries: 9, unconfirmed_ms: 7_200_000 }.into(),
        FeedFailed { feed: text("drop"), reason: text("line 7: cut short"), kept: Some(9) }.into(),
        FeedCut { feed: text("firehol"), entries: 12, reason: text("private space") }.into(),
        PolicyApplied { version: 8, digest: "ab".repeat(32), name: nasty(), who: nasty(), shadow: true }
            .into(),
        PolicyRolledBack { version: 9, restores: 7, who: text("alice"), shadow: false }.into(),
        PolicyExpired { version: 10, restores: 7, expired: 9, shadow: false }.into(),
        WorkerLagging { worker: 1, silent_ms: 1500 }.into(),
        Started { version: "0.1.0".to_owned(), digest: "ab".repeat(32) }.into(),
        Stopping { uptime_ms: 90_000 }.into(),
        WorkerRecovered { worker: 1, silent_ms: 2500 }.into(),
        PortLink { port: text("outside"), up: false }.into(),
        UpstreamChanged { upstream: text("192.0.2.53"), up: false, left: 1 }.into(),
        ReportsLost { worker: 0, lost: 12 }.into(),
        EventsLost { sink: text("siem"), lost: 4 }.into(),
        SinkFailed { sink: text("siem"), reason: nasty() }.into(),
        SinkRecovered { sink: text("siem"), lost: 2 }.into(),
        alert(1, Some(source("192.0.2.7"))).into(),
        alert(3, None).into(),
        step(StepState::Opened, None, None),
        step(StepState::Notified, Some("pager"), None),
        step(StepState::Failed, Some("pager"), Some("the receiver answered 500, after 5 tries")),
        step(StepState::Acknowledged, None, Some("bob")),
        step(StepState::Ended, None, None),
        crowd("192.0.2.80/32", CrowdState::Calm, CrowdState::Suspect),
        crowd("192.0.2.0/24", CrowdState::Suspect, CrowdState::Flood),
        crowd("2001:db8::80/128", CrowdState::Flood, CrowdState::Recovering),
        crowd("192.0.2.80/32", CrowdState::Recovering, CrowdState::Calm),
    ]
}

/// The same as published events.
pub async fn published() -> Vec<Event> {
    let bus = bus();
    let mut events = bus.subscribe("test", 1000).unwrap();
    let all = every();
    let mut out = Vec::new();
    for what in all {
        bus.publish(at(), what);
        out.push(events.next().await.unwrap().as_ref().clone());
    }
    out
}

/// A folder of the corpus; says so where it is missing.
pub fn corpus(folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = std::env::var_os("REPUTE_CORPUS").map_or(root.join("../shared/corpus"), PathBuf::from);
    let found = Some(corpus.join(folder)).filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: no corpus `{folder}` in {}", corpus.display());
    }
    found
}
