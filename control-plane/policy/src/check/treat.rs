//! Checks of what rules of `[alerts]` ask the list `alerts` for: somebody the box can treat, and a treatment that comes
//! of it.

use super::{at, one_of};
use crate::compile;
use crate::config::{AlertRule, Config, Treat};
use crate::entry::entry;
use crate::read::Reader;

pub(super) fn check(path: &str, rule: &AlertRule, config: &Config, reader: &mut Reader) {
    let AlertRule { treat, lifetime, around_v4, around_v6, prefix, service, .. } = rule;
    let around = around_v4.is_some() || around_v6.is_some();
    let Some(treat) = *treat else {
        let keys = [
            ("lifetime", lifetime.is_some()),
            ("around_v4", around_v4.is_some()),
            ("around_v6", around_v6.is_some()),
            ("prefix", prefix.is_some()),
            ("service", service.is_some()),
        ];
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            let found =
                at(reader, &format!("{path}.{key}"), format!("`{key}` means nothing without `treat`"))
                    .label("only a treatment has it")
                    .help("add `treat = \"drop\"`, `\"limit\"` or `\"allow\"`, or remove it");
            reader.findings.push(found);
        }
        return;
    };
    if around_v4.is_some() != around_v6.is_some() {
        let (given, missing) =
            if around_v4.is_some() { ("around_v4", "around_v6") } else { ("around_v6", "around_v4") };
        let found = at(reader, &format!("{path}.{given}"), format!("`{missing}` is missing"))
            .label("a culprit may have an address of either family")
            .help("give both; 32 and 64 are a single source by default");
        reader.findings.push(found);
    }
    if [around, prefix.is_some(), service.is_some()].iter().filter(|given| **given).count() > 1 {
        let keys = [("around_v4", around), ("prefix", prefix.is_some()), ("service", service.is_some())];
        one_of(reader, path, &keys);
    }
    if let Some(prefix) = prefix.map(|cidr| cidr.0) {
        let widest = if prefix.first().is_v4() { 96 + 8 } else { 16 };
        if prefix.len128() < widest {
            let found =
                at(reader, &format!("{path}.prefix"), format!("`{prefix}` is a large part of the world"))
                    .label("expected /8 or longer, with IPv6 /16")
                    .help("one wrong alert would treat all of it; name narrower prefixes, in a rule each");
            reader.findings.push(found);
        }
    }
    of_service(path, rule, config, reader);
    comes_of_it(path, treat, config, reader);
}

/// Lists name senders: a service's own addresses are senders where inside ones are judged, its clients have no prefix.
fn of_service(path: &str, rule: &AlertRule, config: &Config, reader: &mut Reader) {
    let Some(name) = &rule.service else { return };
    let key = format!("{path}.service");
    let found = if config.profiles.egress.is_none() {
        at(reader, &key, "lists name senders, and profile ingress judges none of a service")
            .label("nobody would be treated")
            .help(
                "for the senders that alerts name leave `service` out; for everybody who asks for a service change \
                 the treatments of the bands: `repute policy apply`",
            )
    } else if config.services.iter().all(|(one, _)| one != name.as_str()) {
        at(reader, &key, format!("there is no service `{name}`"))
            .label("nobody would be treated")
            .help("name one of `[services.NAME]`")
    } else {
        return;
    };
    reader.findings.push(found);
}

/// Some confidence of a deny entry has to lead to the treatment.
fn comes_of_it(path: &str, treat: Treat, config: &Config, reader: &mut Reader) {
    let Some((name, profile)) = config.profiles.iter().next().filter(|_| reader.sound("profiles")) else {
        return;
    };
    if entry(&compile::profile(profile), treat).is_some() {
        return;
    }
    let help = match treat {
        Treat::Drop => format!(
            "let a band that listed sources reach drop, such as `[profiles.{name}.treatments]`, \
             `malicious = \"drop\"`, and give the factor `feed` enough weight; or use `lower`"
        ),
        _ => format!(
            "let a band that listed sources reach have a meter, a queue or `block_new` and not drop, such as \
             `[profiles.{name}.treatments.poor]`, `meter = {{ packets = \"100pps\" }}`; or use `lower`"
        ),
    };
    let found = at(reader, &format!("{path}.treat"), format!("no list entry comes to `{treat}` here"))
        .label(format!("in no band of profile {name} that the factor `feed` leads to"))
        .help(help);
    reader.findings.push(found);
}
