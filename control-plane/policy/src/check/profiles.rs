//! Checks of `[profiles]`: exactly one, falling thresholds, weights and ramps that fit the model.

mod dns;

use repute_model::{Factor, Score};

use super::at;
use crate::config::{Config, CrowdMode, HoursMode, ModelName, Profile, Weight, general};
use crate::read::Reader;
use crate::value::Share;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let names: Vec<&str> = config.profiles.iter().map(|(name, _)| name).collect();
    match names[..] {
        [] => none(reader),
        [_] => {}
        [first, second, ..] => several(first, second, reader),
    }
    for (name, profile) in config.profiles.iter() {
        one(&format!("profiles.{name}"), profile, reader);
    }
    if let Some(dns) = &config.profiles.dns {
        dns::check(dns, reader);
    }
}

fn none(reader: &mut Reader) {
    if reader.sound("profiles") {
        let found = at(reader, "profiles", "no profile: nothing would be judged")
            .label("a profile is missing")
            .help(
                "add `[profiles.ingress]` to judge outside senders, `[profiles.egress]` to judge inside senders, or \
                 `[profiles.dns]` to judge the outside requesters of a DNS server",
            );
        reader.findings.push(found);
    }
}

/// Two profiles: an egress one judges the other address of every packet, and the two others would both judge the same.
fn several(first: &str, second: &str, reader: &mut Reader) {
    let judges = |name: &str| match name {
        "egress" => "this one judges inside senders",
        _ => "this one judges outside senders",
    };
    let (article, help) = if [first, second].contains(&"egress") {
        let outside = if first == "egress" { second } else { first };
        let help = format!(
            "together they would need exact state for both addresses of every packet, and it is kept for one: the \
             outside one ({outside}) or the inside one (egress). Keep one profile here and run a second instance for \
             the other"
        );
        (if second == "egress" { "an egress" } else { "a dns" }, help)
    } else {
        let help = "a source has one score: the dns profile judges everything that an ingress profile judges, and queries \
                    besides. Move the keys of `[profiles.ingress]` into `[profiles.dns]`";
        ("a dns", help.to_owned())
    };
    let message = format!("an {first} and {article} profile in one file");
    let found = at(reader, &format!("profiles.{second}"), message)
        .label(judges(second))
        .also(reader.places.of(&format!("profiles.{first}")), judges(first))
        .help(help);
    reader.findings.push(found);
}

fn one(path: &str, profile: &Profile, reader: &mut Reader) {
    bands(path, profile, reader);
    crowds(path, profile, reader);
    hours(path, profile, reader);
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

fn hours(path: &str, profile: &Profile, reader: &mut Reader) {
    if profile.hours.mode == HoursMode::On && !path.ends_with("egress") {
        let key = format!("{path}.hours");
        let found = at(reader, &key, "hours of the week are learnt for inside senders, by their services")
            .label("outside senders are in no service")
            .help("leave `hours` out of this profile");
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
    for (factor, weight) in general().zip(profile.factors.0) {
        factor_of(&path, factor, weight, profile.model, reader);
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

fn factor_of(path: &str, factor: Factor, weight: Weight, model: ModelName, reader: &mut Reader) {
    let path = format!("{path}.{factor}");
    if !reader.sound(&path) {
        return;
    }
    if weight.from >= weight.full {
        let key = if reader.places.has(&format!("{path}.full")) { "full" } else { "from" };
        let message =
            format!("the ramp of `{factor}` does not rise: from {} to {}", weight.from, weight.full);
        let found = at(reader, &format!("{path}.{key}"), message)
            .label("`full` must be above `from`")
            .help(format!("the unit is {}", factor.unit()));
        reader.findings.push(found);
    }
    if model == ModelName::WeightedSum && weight.weight.get() > 1.0 {
        let message = format!("weight {} of `{factor}` is above 1", weight.weight);
        let found = at(reader, &format!("{path}.weight"), message)
            .label("`weighted-sum` weights are shares from 0 to 1")
            .help("points of 100 belong to model `suspicion`");
        reader.findings.push(found);
    }
}
