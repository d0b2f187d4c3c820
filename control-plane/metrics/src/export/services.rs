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

const SOURCES: About = About {
    name: "service_sources",
    unit: "",
    help: "Sources in the service now, by band; those in several services are in each.",
};

const SCORE: About = About {
    name: "service_score",
    unit: "",
    help: "Score of the service over its sources, 1 = fully trusted.",
};

const VOLUME: About = About {
    name: "service_volume",
    unit: "bytes",
    help: "Bytes a second that sources send in the service, in their windows under way.",
};

const USUAL: About =
    About { name: "service_usual_volume", unit: "bytes", help: "Bytes a second that is usual for them." };

const HOUR_PACKETS: About = About {
    name: "service_hour_usual",
    unit: "packets",
    help: "Packets a second that are usual for one source of the service at this hour of the week, where that is known.",
};

const HOUR_BYTES: About =
    About { name: "service_hour_usual", unit: "bytes", help: "Bytes a second that are usual likewise." };

/// Writes it all; returns how many services were left out.
pub(super) fn export(snapshot: &BoxSnapshot, families: &mut Families) -> Result<usize, fmt::Error> {
    let services = shown(&snapshot.services, |service| &service.name);
    families.counter(SHADOW_PACKETS, counts(&services, |service| &service.shadow_packets))?;
    families.counter(SHADOW_BYTES, counts(&services, |service| &service.shadow_bytes))?;
    let sources = services.iter().flat_map(|service| {
        let label = |band| vec![("service", &*service.name), ("band", band)];
        service.sources.iter().map(move |band| (label(&*band.name), band.count as f64))
    });
    families.gauge(SOURCES, sources)?;
    families.gauge(SCORE, services.iter().filter_map(|service| Some((of(service), service.score?))))?;
    families.gauge(VOLUME, services.iter().map(|service| (of(service), service.volume_per_s as f64)))?;
    families.gauge(USUAL, services.iter().map(|service| (of(service), service.usual_per_s as f64)))?;
    let hours = services.iter().filter_map(|service| Some((service, service.at_this_hour?)));
    families.gauge(HOUR_PACKETS, hours.clone().map(|(service, (packets, _))| (of(service), packets)))?;
    families.gauge(HOUR_BYTES, hours.map(|(service, (_, bytes))| (of(service), bytes)))?;
    Ok(snapshot.services.len() - services.len())
}

fn of(service: &ServiceSnapshot) -> Labels<'_> {
    vec![("service", &service.name)]
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
