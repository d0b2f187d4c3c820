//! Checks of `[profiles.*.treatments]`: measures that contradict each other, copies that nothing takes.

use repute_model::Band;

use super::at;
use crate::config::{Config, Treatment};
use crate::read::Reader;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    for (name, profile) in config.profiles.iter() {
        for band in Band::ALL {
            let path = format!("profiles.{name}.treatments.{band}");
            if reader.sound(&path) {
                one(config, &path, profile.treatments.of(band), reader);
            }
        }
    }
}

fn one(config: &Config, path: &str, treatment: &Treatment, reader: &mut Reader) {
    // Both keep the same arrival times of a source, so either would undo what the other counts.
    if treatment.queue.is_some() && treatment.meter.is_some() {
        let found = at(reader, &format!("{path}.queue"), "what is above a rate is both held and dropped")
            .label("holds it")
            .also(reader.places.of(&format!("{path}.meter")), "drops it")
            .help("keep one of the two: a queue drops by itself what would wait longer than `limits.queue_horizon`");
        reader.findings.push(found);
    }
    if treatment.queue_new.is_some() && treatment.block_new {
        let found = at(reader, &format!("{path}.queue_new"), "new connections are both held and refused")
            .label("none is left to be held")
            .also(reader.places.of(&format!("{path}.block_new")), "refuses all of them")
            .help("keep one of the two");
        reader.findings.push(found);
    }
    if treatment.reset && !treatment.block_new && !treatment.drop {
        let found = at(reader, &format!("{path}.reset"), "connections begin and are ended, time and again")
            .label("ends what is established")
            .help("add `block_new = true`, so that none begins, or `drop = true`");
        reader.findings.push(found);
    }
    if treatment.only.is_some() && !limits(treatment) {
        let found = at(reader, &format!("{path}.only"), "nothing is limited that could be narrowed")
            .label("narrows nothing")
            .help("add what the excess gets: `meter`, `queue`, `queue_new`, `block_new`, `reset` or `drop`");
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

/// Whether anything is held up, refused or ended.
fn limits(treatment: &Treatment) -> bool {
    let rates = treatment.meter.is_some() || treatment.queue.is_some() || treatment.queue_new.is_some();
    rates || treatment.block_new || treatment.reset || treatment.drop
}
