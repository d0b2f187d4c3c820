//! What workers count by service.

use std::fmt;

use super::shown;
use crate::family::{About, Families, Labels};
use crate::{BoxSnapshot, Named, ServiceSnapshot};

const SHADOW_PACKETS: About = About {
    name: "service_shadow",
    unit: "packets",
    help: "Packets about the service that shadow mode forwarded, by what would have become of them.",
};

const SHADOW_BYTES: About =
    About { name: "service_shadow", unit: "bytes", help: "Bytes of the same packets on the wire." };

/// Writes it all; returns how many services were left out.
pub(super) fn export(snapshot: &BoxSnapshot, families: &mut Families) -> Result<usize, fmt::Error> {
    let services = shown(&snapshot.services, |service| &service.name);
    families.counter(SHADOW_PACKETS, counts(&services, |service| &service.shadow_packets))?;
    families.counter(SHADOW_BYTES, counts(&services, |service| &service.shadow_bytes))?;
    Ok(snapshot.services.len() - services.len())
}

fn counts<'a>(
    services: &[&'a ServiceSnapshot],
    of: fn(&ServiceSnapshot) -> &[Named],
) -> impl Iterator<Item = (Labels<'a>, u64)> {
    services.iter().flat_map(move |&service| {
        let labels = move |effect: &'a Named| vec![("service", &*service.name), ("effect", &*effect.name)];
        of(service).iter().map(move |effect| (labels(effect), effect.count))
    })
}
