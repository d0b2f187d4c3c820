//! `[lists]` and `[destinations]`: standing that is given, not earned.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use toml::de::DeValue;

use crate::read::{Node, Overlay, Reader, Scalar, table};
use crate::value::{Cidr, Country, Int, Share, Text};

use super::places::{Asn, DenyAsn, DenyCountry};

/// Sources that are trusted or refused by name. Allow always wins.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Lists {
    /// Prefixes that always pass.
    pub allow: Vec<Cidr>,
    /// Files of prefixes that always pass, one a line; whole paths.
    pub allow_files: Vec<Text>,
    /// Prefixes known to be bad: a prefix, or a table with a confidence. They count over those of files.
    pub deny: Vec<Deny>,
    /// Files of prefixes known to be bad, one a line: a path, or a table with a confidence. Where two files
    /// name the same prefix the later file counts.
    pub deny_files: Vec<DenyFile>,
    /// Countries that always pass, by their codes (ISO 3166-1 alpha-2); needs `geo.country`.
    pub allow_countries: Vec<Country>,
    /// Autonomous systems that always pass, by their numbers; needs `geo.asn`.
    pub allow_asns: Vec<Asn>,
    /// Countries known to be bad: a code, or a table with a confidence; needs `geo.country`.
    pub deny_countries: Vec<DenyCountry>,
    /// Autonomous systems known to be bad: a number, or a table with a confidence; needs `geo.asn`.
    pub deny_asns: Vec<DenyAsn>,
}

table!(Lists {
    allow,
    allow_files,
    deny,
    deny_files,
    allow_countries,
    allow_asns,
    deny_countries,
    deny_asns,
});

/// One entry of the deny list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Deny {
    /// Who.
    pub prefix: Cidr,
    /// How sure that is, in percent; feeds the factor `feed`.
    pub confidence: Int<1, 100>,
}

table!(fn overlay_keys of Deny { prefix, confidence } requires "prefix");

impl Scalar for Deny {
    /// Reads a prefix alone, or a table.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut deny = Self::certain();
        reader.whole(|reader| match node.get_ref() {
            DeValue::String(_) => deny.prefix.overlay(node, reader),
            DeValue::Table(_) => deny.overlay_keys(node, reader),
            _ => reader.expected(node, "a prefix or { prefix = \"…\", confidence = 1 to 100 }"),
        })?;
        Some(deny)
    }
}

impl JsonSchema for Deny {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Deny".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        alone_or_sure::<Cidr>("prefix", generator)
    }
}

/// One file of the deny list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DenyFile {
    /// Where it is; a whole path.
    pub path: Text,
    /// How sure its entries are, in percent; feeds the factor `feed`.
    pub confidence: Int<1, 100>,
}

table!(fn overlay_keys of DenyFile { path, confidence } requires "path");

impl Scalar for DenyFile {
    /// Reads a path alone, or a table.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut file = Self::certain();
        reader.whole(|reader| match node.get_ref() {
            DeValue::String(_) => file.path.overlay(node, reader),
            DeValue::Table(_) => file.overlay_keys(node, reader),
            _ => reader.expected(node, "a path or { path = \"…\", confidence = 1 to 100 }"),
        })?;
        Some(file)
    }
}

impl JsonSchema for DenyFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DenyFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        alone_or_sure::<Text>("path", generator)
    }
}

/// A `T` alone, or a table in which `key` holds it beside a confidence.
pub(super) fn alone_or_sure<T: JsonSchema>(key: &str, generator: &mut SchemaGenerator) -> Schema {
    let alone = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [alone, {
        "type": "object",
        "properties": { key: alone, "confidence": generator.subschema_for::<Int<1, 100>>() },
        "required": [key],
        "additionalProperties": false,
    }]})
}

/// The standing of destinations, for egress.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Destinations {
    /// Standing of a destination that no entry names, 1 = good.
    pub default: Share,
    /// Destinations with a standing of their own; the longest prefix counts.
    pub entries: Vec<Destination>,
}

table!(Destinations { default, entries });

/// One destination with its standing.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Destination {
    /// Which addresses.
    pub prefix: Cidr,
    /// Their standing, 1 = good.
    pub score: Share,
}

table!(fn overlay_keys of Destination { prefix, score } requires "prefix", "score");

impl Scalar for Destination {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut destination = Self::blank();
        reader.whole(|reader| destination.overlay_keys(node, reader))?;
        Some(destination)
    }
}
