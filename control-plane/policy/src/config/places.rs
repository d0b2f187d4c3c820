//! What `[lists]` selects by country and AS.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use toml::de::DeValue;

use super::lists::alone_or_sure;
use crate::read::{Node, Overlay, Reader, Scalar, table};
use crate::value::{Country, Int};

/// Number of an autonomous system.
pub type Asn = Int<1, 4_294_967_295>;

/// Everything in a country.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DenyCountry {
    /// Which one.
    pub country: Country,
    /// How sure it is that this is bad, in percent; feeds the factor `feed`.
    pub confidence: Int<1, 100>,
}

table!(fn overlay_keys of DenyCountry { country, confidence } requires "country");

impl Scalar for DenyCountry {
    /// Reads a code alone, or a table.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut deny = Self::certain();
        reader.whole(|reader| match node.get_ref() {
            DeValue::String(_) => deny.country.overlay(node, reader),
            DeValue::Table(_) => deny.overlay_keys(node, reader),
            _ => reader.expected(node, "a country or { country = \"…\", confidence = 1 to 100 }"),
        })?;
        Some(deny)
    }
}

impl JsonSchema for DenyCountry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DenyCountry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        alone_or_sure::<Country>("country", generator)
    }
}

/// Everything of an autonomous system.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DenyAsn {
    /// Its number.
    pub asn: Asn,
    /// How sure it is that this is bad, in percent; feeds the factor `feed`.
    pub confidence: Int<1, 100>,
}

table!(fn overlay_keys of DenyAsn { asn, confidence } requires "asn");

impl Scalar for DenyAsn {
    /// Reads a number alone, or a table.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut deny = Self::certain();
        reader.whole(|reader| match node.get_ref() {
            DeValue::Integer(_) => deny.asn.overlay(node, reader),
            DeValue::Table(_) => deny.overlay_keys(node, reader),
            _ => reader.expected(node, "an AS number or { asn = …, confidence = 1 to 100 }"),
        })?;
        Some(deny)
    }
}

impl JsonSchema for DenyAsn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DenyAsn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        alone_or_sure::<Asn>("asn", generator)
    }
}
