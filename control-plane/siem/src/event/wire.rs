//! How the vocabulary of `repute-model` is written in JSON, and what the schema says about it.

use std::borrow::Cow;
use std::fmt::Display;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use repute_model::{Band, CrowdState, Factor, Finding, Flood, Score, Treatment};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Writes what `Display` shows.
pub fn text<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Writes what `Display` shows, or null.
pub fn maybe_text<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

/// Writes a time as RFC 3339 in UTC with microseconds.
pub fn time<S: Serializer>(at: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*at))
}

/// A time as RFC 3339 in UTC with microseconds; times outside the years −9999 to 9999 are cut to them.
pub fn rfc3339(at: SystemTime) -> String {
    let fallback = if at < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.6}", Timestamp::try_from(at).unwrap_or(fallback))
}

/// Writes a score as 0..=10 000.
pub fn score<S: Serializer>(score: &Score, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(score.get())
}

/// Writes a kind of flood by its name.
pub fn flood<S: Serializer>(flood: &Flood, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(flood.name())
}

/// Writes a state of a crowd by its name.
pub fn crowd_state<S: Serializer>(state: &CrowdState, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(state.name())
}

/// Writes a length of time in ms.
pub fn ms<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Writes a treatment as the names of its measures and, where they have numbers, their limits.
pub fn treatment<S: Serializer>(treatment: &Treatment, to: S) -> Result<S::Ok, S::Error> {
    let names = treatment.to_string();
    let names: Vec<_> = names.split('+').collect();
    let mut map = to.serialize_map(Some(2))?;
    map.serialize_entry("treatment", &names)?;
    map.serialize_entry("limits", &Limits::of(treatment))?;
    map.end()
}

/// What [`treatment`] writes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct TreatmentForm {
    /// Names of the measures that apply; `pass` alone where none does.
    treatment: Vec<String>,
    /// Their numbers.
    limits: Limits,
}

/// The numbers of a treatment; what has none is left out.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// Packets per second above which packets are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    meter_packets_per_s: Option<u32>,
    /// Bytes per second above which packets are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    meter_bytes_per_s: Option<u64>,
    /// Packets per second above which packets are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_packets_per_s: Option<u32>,
    /// Bytes per second above which packets are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_bytes_per_s: Option<u64>,
    /// New TCP connections per second, of all sources of the band and per worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections_per_s: Option<u32>,
    /// Segments of a TCP connection that may be under way while it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    soften_segments: Option<u8>,
}

impl Limits {
    fn of(treatment: &Treatment) -> Self {
        Self {
            meter_packets_per_s: treatment.meter.and_then(|meter| meter.packets_per_s),
            meter_bytes_per_s: treatment.meter.and_then(|meter| meter.bytes_per_s),
            queue_packets_per_s: treatment.queue.and_then(|meter| meter.packets_per_s),
            queue_bytes_per_s: treatment.queue.and_then(|meter| meter.bytes_per_s),
            connections_per_s: treatment.queue_new,
            soften_segments: treatment.soften.map(|soften| soften.segments),
        }
    }
}

/// Declares a type that stands for a form of text or number in schemas.
macro_rules! forms {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:tt,)+) => {
        $($(#[doc = $doc])+
        pub enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })+
    };
}

forms! {
    /// An event's id.
    EventIdText = { "type": "string", "pattern": "^[0-9a-f]{16}-[0-9a-f]{16}$" },
    /// RFC 3339 in UTC with microseconds.
    Time = {
        "type": "string",
        "format": "date-time",
        "pattern": "^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$",
    },
    /// An address or prefix.
    SourceText = { "type": "string", "pattern": "^[0-9a-f.:]+(/[0-9]{1,3})?$" },
    /// An address or prefix, always with its length.
    PrefixText = { "type": "string", "pattern": "^[0-9a-f.:]+/[0-9]{1,3}$" },
    /// A kind of flood.
    FloodName = { "enum": (Flood::ALL.iter().map(|flood| flood.name()).collect::<Vec<_>>()) },
    /// How a crowd stands.
    CrowdStateName = { "enum": (CrowdState::ALL.iter().map(|state| state.name()).collect::<Vec<_>>()) },
    /// A standing.
    ScoreNumber = { "type": "integer", "minimum": 0, "maximum": 10_000 },
    /// A band's name.
    BandName = { "enum": (Band::ALL.map(Band::name)) },
    /// What inspection may find.
    FindingName = { "enum": (Finding::ALL.iter().map(|finding| finding.name()).collect::<Vec<_>>()) },
    /// A factor's name.
    FactorName = { "enum": (Factor::ALL.iter().map(|factor| factor.name()).collect::<Vec<_>>()) },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_001);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20.000001Z");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
