//! `[profiles.*.treatments]`: what each band gets.

use repute_model::Band;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::read::{Node, Reader, Scalar, listed, table};
use crate::value::{BitRate, Int, PacketRate, Size};

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
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Treatment {
    /// Report a sample of the source's packets to the log.
    pub log: bool,
    /// Drop what is above a rate.
    pub meter: Option<Meter>,
    /// Refuse what would begin something new; what was answered before goes on.
    pub block_new: bool,
    /// Drop everything.
    pub drop: bool,
}

table!(fn overlay_keys of Treatment { log, meter, block_new, drop });

/// The treatments that one word can say.
const WORDS: [&str; 4] = ["pass", "log", "block-new", "drop"];

impl Treatment {
    fn from_word(word: &str) -> Option<Self> {
        let pass = Self::default();
        match word {
            "pass" => Some(pass),
            "log" => Some(Self { log: true, ..pass }),
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
                    let help = format!(
                        "expected one of {}, or a table such as {{ log = true, meter = {{ packets = \"100pps\" }} }}",
                        listed(WORDS)
                    );
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

impl JsonSchema for Treatment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Treatment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "enum": WORDS }, {
            "type": "object",
            "properties": {
                "log": { "type": "boolean", "description": "Report a sample of the source's packets to the log." },
                "meter": generator.subschema_for::<Meter>(),
                "block_new": {
                    "type": "boolean",
                    "description": "Refuse what would begin something new; what was answered before goes on.",
                },
                "drop": { "type": "boolean", "description": "Drop everything." },
            },
            "additionalProperties": false,
        }]})
    }
}

/// A limit for each source, in packets, in bytes or in both.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Meter {
    /// Packets per second; absent = unlimited.
    #[schemars(with = "PacketRate")]
    pub packets: Option<PacketRate>,
    /// Packets that may come at once.
    pub packet_burst: Int<1, 1_000_000>,
    /// Bits per second on the wire; absent = unlimited.
    #[schemars(with = "BitRate")]
    pub bytes: Option<BitRate>,
    /// Bytes that may come at once; never less than a full Ethernet frame, or that would never pass.
    pub byte_burst: Size<1518, 1_073_741_824>,
}

table!(fn overlay_keys of Meter { packets, packet_burst, bytes, byte_burst });

impl Scalar for Meter {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut meter = Self::default();
        meter.overlay_keys(node, reader);
        let table = node.get_ref().as_table()?;
        if !table.contains_key("packets") && !table.contains_key("bytes") {
            let message = format!("`{}` limits nothing", reader.path());
            let help = "give it `packets = \"100pps\"`, `bytes = \"10Mbps\"` or both";
            reader.report(Diagnostic::new(node.span(), message).label("no rate here").help(help));
        }
        Some(meter)
    }
}
