//! `[profiles.*.treatments]`: what each band gets.

use repute_model::Band;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use toml::de::DeValue;

use super::{Meter, Sampling, Soften};
use crate::nearest::nearest;
use crate::read::{Node, Reader, Scalar, listed, table};
use crate::value::{Int, keywords};

keywords! {
    /// What a treatment is narrowed to.
    Only {
        /// The kind of packets that made the source suspicious.
        Excess = "excess",
    }
}

/// What each band gets. A treatment that is given replaces the default as a whole.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Treatments {
    /// For excellent sources.
    pub excellent: Treatment,
    /// For good sources.
    pub good: Treatment,
    /// For neutral sources.
    pub neutral: Treatment,
    /// For poor sources.
    pub poor: Treatment,
    /// For malicious sources.
    pub malicious: Treatment,
}

table!(Treatments { excellent, good, neutral, poor, malicious });

impl Treatments {
    /// What one band gets.
    pub const fn of(&self, band: Band) -> &Treatment {
        match band {
            Band::Excellent => &self.excellent,
            Band::Good => &self.good,
            Band::Neutral => &self.neutral,
            Band::Poor => &self.poor,
            Band::Malicious => &self.malicious,
        }
    }
}

/// A combination of measures; none of them = pass.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, transform = or_word)]
pub struct Treatment {
    /// Report a sample of the source's packets to the log.
    pub log: bool,
    /// Copy a sample of the source's packets to the mirror port.
    #[schemars(with = "Sampling")]
    pub mirror: Option<Sampling>,
    /// Look into the source's packets; what is found counts against it.
    pub inspect: bool,
    /// Let TCP connections begin slowly.
    #[schemars(with = "Soften")]
    pub soften: Option<Soften>,
    /// Drop what is above a rate.
    #[schemars(with = "Meter")]
    pub meter: Option<Meter>,
    /// Hold back what is above a rate, and send it when its time has come.
    #[schemars(with = "Meter")]
    pub queue: Option<Meter>,
    /// Hold back new TCP connections: all sources of the band together begin so many per second and worker.
    #[schemars(with = "Int<1, 1_000_000>")]
    pub queue_new: Option<Int<1, 1_000_000>>,
    /// Refuse what would begin something new; what was answered before goes on.
    pub block_new: bool,
    /// End TCP connections that are established, by resets to both of their ends.
    pub reset: bool,
    /// Drop everything.
    pub drop: bool,
    /// Do this to a part of what the source sends; the rest gets what the next better band gets that is not narrowed.
    #[schemars(with = "Only")]
    pub only: Option<Only>,
}

table!(fn overlay_keys of Treatment {
    log,
    mirror,
    inspect,
    soften,
    meter,
    queue,
    queue_new,
    block_new,
    reset,
    drop,
    only,
});

/// The treatments that one word can say.
const WORDS: [&str; 5] = ["pass", "log", "inspect", "block-new", "drop"];
/// One that needs numbers, for messages.
const EXAMPLE: &str = "{ log = true, meter = { packets = \"100pps\" } }";

impl Treatment {
    fn from_word(word: &str) -> Option<Self> {
        let pass = Self::default();
        match word {
            "pass" => Some(pass),
            "log" => Some(Self { log: true, ..pass }),
            "inspect" => Some(Self { inspect: true, ..pass }),
            "block-new" => Some(Self { block_new: true, ..pass }),
            "drop" => Some(Self { drop: true, ..pass }),
            _ => None,
        }
    }
}

impl Scalar for Treatment {
    /// Reads one word, or a table of measures.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut treatment = Self::default();
        match node.get_ref() {
            DeValue::String(word) => {
                let found = Self::from_word(word);
                if found.is_none() {
                    let label = nearest(word, WORDS)
                        .map_or("not a treatment".to_owned(), |near| format!("did you mean \"{near}\"?"));
                    let help = format!("expected one of {}, or a table such as {EXAMPLE}", listed(WORDS));
                    reader.reject(node, label, Some(help));
                }
                found
            }
            DeValue::Table(_) => {
                treatment.overlay_keys(node, reader);
                Some(treatment)
            }
            _ => {
                reader.expected(node, &format!("one of {} or a table", listed(WORDS)));
                None
            }
        }
    }
}

/// The schema of a table becomes that of a word or such a table.
fn or_word(table: &mut Schema) {
    *table = json_schema!({ "anyOf": [{ "enum": WORDS }, std::mem::take(table)] });
}
