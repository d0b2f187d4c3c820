//! Checks of `[profiles]`: exactly one, falling thresholds, weights and ramps that fit the model.

use repute_model::{Factor, Score};

use super::at;
use crate::config::{Config, CrowdMode, ModelName, Profile};
use crate::read::Reader;
use crate::value::Share;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let profiles = &config.profiles;
    match (&profiles.ingress, &profiles.egress) {
        (None, None) => none(reader),
        (Some(_), Some(_)) => both(reader),
        _ => {}
    }
    for (name, profile) in [("ingress", &profiles.ingress), ("egress", &profiles.egress)] {
        if let Some(profile) = profile {
            one(&format!("profiles.{name}"), profile, reader);
        }
    }
}

fn none(reader: &mut Reader) {
    if reader.sound("profiles") {
        let found = at(reader, "profiles", "no profile: nothing would be judged")
            .label("a profile is missing")
            .help("add `[profiles.ingress]` to judge outside senders, or `[profiles.egress]` to judge inside senders");
        reader.findings.push(found);
    }
}

fn both(reader: &mut Reader) {
    let found = at(reader, "profiles.egress", "an ingress and an egress profile in one file")
        .label("this one judges inside senders")
        .also(reader.places.of("profiles.ingress"), "this one judges outside senders")
        .help(
            "together they would need exact state for both addresses of every packet, and it is kept for one: \
             the outside one (ingress) or the inside one (egress). Keep one profile here and run a second \
             instance for the other",
        );
    reader.findings.push(found);
}

fn one(path: &str, profile: &Profile, reader: &mut Reader) {
    bands(path, profile, reader);
    crowds(path, profile, reader);
    if reader.sound(&format!("{path}.model")) {
        decay(path, profile, reader);
        factors(path, profile, reader);
    }
    if profile.baseline.alpha.get() <= 0.0 {
        let key = format!("{path}.baseline.alpha");
        let found =
            at(reader, &key, format!("`{key}` must be above 0")).label("a baseline that never learns");
        reader.findings.push(found);
    }
}

fn crowds(path: &str, profile: &Profile, reader: &mut Reader) {
    let key = format!("{path}.crowds.sensitivity");
    if profile.crowds.sensitivity.get() < 0.1 && reader.sound(&key) {
        let found = at(reader, &key, format!("`{key}` must be 0.1 to 10"))
            .label("nothing would ever be a flood")
            .help("switch it off by `mode = \"off\"`, or only watch by `mode = \"shadow\"`");
        reader.findings.push(found);
    }
    let egress = path.ends_with("egress");
    if egress && profile.crowds.mode != CrowdMode::Off {
        let key = format!("{path}.crowds");
        let found = at(reader, &key, "floods of strangers are looked for in front of what is protected")
            .label("inside senders are no strangers")
            .help("leave `crowds` out of an egress profile");
        reader.findings.push(found);
    }
}

fn bands(path: &str, profile: &Profile, reader: &mut Reader) {
    let path = format!("{path}.bands");
    if !reader.sound(&path) {
        return;
    }
    for &[upper, lower] in profile.bands.thresholds().array_windows() {
        if Score::from_unit(lower.1.get()) >= Score::from_unit(upper.1.get()) {
            falling(&path, upper, lower, reader);
        }
    }
    let quantised = |share: Share| Score::from_unit(share.get()).get();
    if quantised(profile.bands.excellent) + quantised(profile.bands.hysteresis) > Score::MAX.get() {
        let key = format!("{path}.hysteresis");
        let found = at(reader, &key, "`excellent` and `hysteresis` together are above 1")
            .label("no source could ever climb into the band excellent")
            .help("lower `excellent` or `hysteresis`");
        reader.findings.push(found);
    }
}

fn falling(path: &str, (upper, above): (&str, Share), (lower, below): (&str, Share), reader: &mut Reader) {
    let (up, low) = (format!("{path}.{upper}"), format!("{path}.{lower}"));
    let message = format!("`{lower}` = {below} does not lie below `{upper}` = {above}");
    let label = "thresholds must fall from excellent to poor, by 0.0001 at least";
    // One of the two may be a default, which has no place to point at.
    let found = match (reader.places.has(&up), reader.places.has(&low)) {
        (true, true) => {
            at(reader, &low, message).label(label).also(reader.places.of(&up), format!("`{upper}`"))
        }
        (true, false) => at(reader, &up, message).label(label).help(format!("`{lower}` has its default")),
        _ => at(reader, &low, message).label(label).help(format!("`{upper}` has its default")),
    };
    reader.findings.push(found);
}

fn decay(path: &str, profile: &Profile, reader: &mut Reader) {
    let key = format!("{path}.decay");
    if profile.model != ModelName::Suspicion && reader.places.has(&key) {
        let found = at(reader, &key, format!("model `{}` has no `decay`", profile.model))
            .label("belongs to model `suspicion`")
            .help(format!("remove it (`half_life` ages the scores), or set `{path}.model = \"suspicion\"`"));
        reader.findings.push(found);
    }
}

fn factors(path: &str, profile: &Profile, reader: &mut Reader) {
    let path = format!("{path}.factors");
    if profile.model == ModelName::EgressInterval {
        fixed(&path, reader);
        return;
    }
    for &factor in Factor::ALL {
        let path = format!("{path}.{factor}");
        if reader.sound(&path) {
            factor_of(&path, factor, profile, reader);
        }
    }
}

/// What `egress-interval` weighs is its formula: any key of a factor is one too many.
fn fixed(path: &str, reader: &mut Reader) {
    let below = format!("{path}.");
    let keys: Vec<_> = reader
        .places
        .under(&below)
        .filter(|(key, _)| key[below.len()..].contains('.'))
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in keys {
        let found = at(reader, &key, format!("`{key}` is fixed by the formula of model `egress-interval`"))
            .label("cannot be configured")
            .help("remove it, or choose model `weighted-sum` or `suspicion`");
        reader.findings.push(found);
    }
}

fn factor_of(path: &str, factor: Factor, profile: &Profile, reader: &mut Reader) {
    let weight = profile.factors.get(factor);
    if weight.from >= weight.full {
        let key = if reader.places.has(&format!("{path}.full")) { "full" } else { "from" };
        let message =
            format!("the ramp of `{factor}` does not rise: from {} to {}", weight.from, weight.full);
        let found = at(reader, &format!("{path}.{key}"), message)
            .label("`full` must be above `from`")
            .help(format!("the unit is {}", factor.unit()));
        reader.findings.push(found);
    }
    if profile.model == ModelName::WeightedSum && weight.weight.get() > 1.0 {
        let message = format!("weight {} of `{factor}` is above 1", weight.weight);
        let found = at(reader, &format!("{path}.weight"), message)
            .label("`weighted-sum` weights are shares from 0 to 1")
            .help("points of 100 belong to model `suspicion`");
        reader.findings.push(found);
    }
}
