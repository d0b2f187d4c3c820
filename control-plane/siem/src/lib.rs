//! Events out to SIEM systems and people; alerts of intrusion detection systems in.
//!
//! ```text
//! what happened ─> Bus ─┬─> Sink: file, syslog (UDP, TCP, TLS) as JSON, text, CEF, OCSF
//!                       ├─> Subscription: the event stream of the API
//!                       └─> IncidentDesk ─> webhooks ─> people ─> acknowledgements
//!
//! Suricata, other sensors ─> FileInput, Input ─> Alert ─> Rules ─> Reaction ─> the daemon
//! ```
//!
//! The daemon publishes on the one [`Bus`], starts sinks, desk and inputs from their configs, and carries out what
//! [`Rules`] decide:
//!
//! ```
//! use std::time::{Instant, SystemTime};
//!
//! use repute_siem::{BootId, Bus, Outcome, Place, PortLink, Rules, RulesConfig, parse_eve};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let bus = Bus::new("edge-1", BootId::at(SystemTime::now()), 1);
//! let mut stream = bus.subscribe("stream", 1024).unwrap();
//! bus.publish(SystemTime::now(), PortLink { port: "outside".to_owned(), up: true });
//! assert_eq!(stream.next().await.unwrap().what.kind(), "port-link");
//!
//! let config: RulesConfig = serde_json::from_str(r#"{ "default": { "nudge": { "points": -500 } } }"#).unwrap();
//! let place = Place {
//!     inside: Default::default(),
//!     inside_width: repute_model::Width::INSIDE,
//!     outside_width: repute_model::Width::OUTSIDE,
//! };
//! let mut rules = Rules::new(&config, place).unwrap();
//! let record = br#"{ "event_type": "alert", "src_ip": "192.0.2.1", "dest_ip": "198.51.100.1",
//!     "alert": { "signature_id": 2010935, "signature": "ET SCAN", "category": "scan", "severity": 2 } }"#;
//! let alert = parse_eve(record).unwrap().unwrap();
//! let decision = rules.decide("suricata", &alert, Instant::now(), SystemTime::now());
//! assert!(matches!(decision.outcome, Outcome::React(_)));
//! bus.publish(SystemTime::now(), decision.event("suricata", &alert));
//! # });
//! ```
//!
//! **Invariants:** nothing here can make a publisher wait. Every queue, table, file, line and connection has a
//! maximum. No input makes anything panic.
#![forbid(unsafe_code)]

mod alert;
mod bus;
mod event;
mod format;
mod incident;
mod intake;
mod rules;
mod sink;

pub use alert::{Alert, AlertError, Blame, Culprit, RECORD_MAX, TEXT_MAX, parse_cef, parse_eve, parse_line};
pub use bus::{Bus, QUEUE_MAX, SUBSCRIPTIONS_MAX, Subscription, SubscriptionStatus, TooManySubscriptions};
pub use event::{
    AlertReceived, BandChanged, BootId, ChallengePassed, CrowdChanged, CrowdSenders, Event, EventId,
    EventsLost, FeedCut, FeedFailed, FeedLoaded, FeedStale, HoneypotAsked, IncidentStep, InspectionHit,
    Mitigation, Phase, PolicyApplied, PolicyExpired, PolicyRolledBack, PortLink, ReportsLost, SCHEMA_ID,
    SchemaId, Severity, SinkFailed, SinkRecovered, Started, StepState, Stopping, UpstreamChanged, What,
    WorkerLagging, WorkerRecovered, json_schema,
};
pub use format::Format;
pub use incident::{
    AckError, Delivery, DeliveryOutcome, DeskError, Incident, IncidentDesk, Matter, Message,
    SIGNATURE_HEADER, Secret, SecretError, StepConfig, Verifier, VerifyError, Workflow, WorkflowConfig,
    WorkflowError, sign,
};
pub use intake::{
    FileConfig, FileInput, Input, IntakeCounts, IntakeError, Position, RECEIVED_MAX, Received, SyslogConfig,
    UnixConfig, UnixKind,
};
pub use rules::{
    Action, Bounds, Change, Decision, Outcome, Pattern, Place, RULES_MAX, Reaction, RuleConfig, RuleError,
    Rules, RulesConfig, RulesCounts, RulesErrors, Scope, SideWord, Signatures, Subject, When,
};
pub use sink::{Identity, Sink, SinkConfig, SinkCounts, SinkError, Target, TlsConfig, TlsError};
