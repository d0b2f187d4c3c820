//! Checks of `[profiles.*.treatments]`: measures that contradict each other, copies that nothing takes.

use repute_model::Band;

use super::at;
use crate::config::{Config, Meter, Treatment};
use crate::read::Reader;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let profiles = [("ingress", &config.profiles.ingress), ("egress", &config.profiles.egress)];
    for (name, profile) in profiles {
        let Some(profile) = profile else { continue };
        for band in Band::ALL {
            let path = format!("profiles.{name}.treatments.{band}");
            if reader.sound(&path) {
                one(config, &path, profile.treatments.of(band), reader);
            }
        }
    }
}

fn one(config: &Config, path: &str, treatment: &Treatment, reader: &mut Reader) {
    if let (Some(queue), Some(meter)) = (&treatment.queue, &treatment.meter) {
        faster(path, queue, meter, reader);
    }
    if treatment.queue_new.is_some() && treatment.block_new {
        let found = at(reader, &format!("{path}.queue_new"), "new connections are both held and refused")
            .label("none is left to be held")
            .also(reader.places.of(&format!("{path}.block_new")), "refuses all of them")
            .help("keep one of the two");
        reader.findings.push(found);
    }
    // A `[mirror]` with mistakes has been reported already.
    if treatment.mirror.is_some() && config.mirror.is_none() && !reader.places.has("mirror") {
        let found = at(reader, &format!("{path}.mirror"), "packets are to be copied, but there is no mirror")
            .label("where to?")
            .help(
                "add a port with `role = \"mirror\"` to `[ports]` and name it: `[mirror]`, `port = \"NAME\"`; \
                 both take effect with a restart",
            );
        reader.findings.push(found);
    }
}

/// The meter is the hard limit: a queue that sends faster never holds anything.
fn faster(path: &str, queue: &Meter, meter: &Meter, reader: &mut Reader) {
    let packets = (queue.packets.map(|rate| rate.get()), meter.packets.map(|rate| rate.get()));
    let bytes = (queue.bytes.map(|rate| rate.get()), meter.bytes.map(|rate| rate.get()));
    for (key, rates) in [("packets", packets), ("bytes", bytes)] {
        let (Some(soft), Some(hard)) = rates else { continue };
        if soft > hard {
            let message = format!("`queue.{key}` is above `meter.{key}`");
            let found = at(reader, &format!("{path}.queue.{key}"), message)
                .label("what is above the meter is dropped and never held")
                .also(reader.places.of(&format!("{path}.meter.{key}")), "the meter is slower")
                .help(
                    "the queue is the soft limit, the meter the hard one: lower the queue or raise the meter",
                );
            reader.findings.push(found);
        }
    }
}
