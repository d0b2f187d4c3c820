//! `[[profiles.dns.zones]]`: response policy zones.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Domain, Text};

/// One response policy zone: a zone file whose owners are triggers and whose records are actions
/// (draft-vixie-dnsop-dns-rpz).
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PolicyZone {
    /// Its name: what completes the owners in its file.
    pub name: Domain,
    /// Where its file is; a whole path.
    pub file: Text,
}

table!(fn overlay_keys of PolicyZone { name, file } requires "name", "file");

impl Scalar for PolicyZone {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut zone = Self::blank();
        reader.whole(|reader| zone.overlay_keys(node, reader))?;
        Some(zone)
    }
}
