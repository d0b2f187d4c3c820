//! Checks of `[[feeds]]`, `[geo]` and `[[lookups]]`: each feed has a name of its own and one origin, and its keys fit that.

use std::collections::BTreeMap;
use std::path::Path;

use super::at;
use crate::config::{Config, Feed, FeedFormat, FeedHeader, PLACES, Says};
use crate::read::{Reader, listed};
use crate::value::Text;

/// How many feeds a config may have.
pub(crate) const FEEDS_MAX: usize = 64;
/// What the list is called that alerts make.
const ALERTS: &str = "alerts";
/// What lists of honeypots are called that are no feeds: that of the config, and that of the API.
const NAMES_ELSEWHERE: [&str; 2] = ["config", "live"];
/// The longest name.
const NAME_MAX: usize = 64;
/// How long between two refreshes where a feed does not say, in ms: of decisions, and of anything else.
const REFRESH: [u64; 2] = [10_000, 3_600_000];

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if reader.sound("geo") {
        whole("geo.country", config.geo.country.as_ref(), reader);
        whole("geo.asn", config.geo.asn.as_ref(), reader);
    }
    if reader.sound("lookups") {
        lookups(config, reader);
    }
    if !reader.sound("feeds") {
        return;
    }
    if config.feeds.len() > FEEDS_MAX {
        let message = format!("{} feeds, at most {FEEDS_MAX} are followed", config.feeds.len());
        return reader.findings.push(at(reader, "feeds", message).label("join some of them"));
    }
    let mut before = BTreeMap::new();
    for (i, feed) in config.feeds.iter().enumerate() {
        let path = format!("feeds[{i}]");
        name(&path, feed, reader);
        if let Some(before) = before.insert(feed.name.as_str(), i) {
            let message = format!("two feeds are called `{}`", feed.name);
            let found = at(reader, &format!("{path}.name"), message)
                .label("whoever is told of it cannot tell which")
                .also(reader.places.of(&format!("feeds[{before}].name")), "the other one");
            reader.findings.push(found);
        }
        origin(&path, feed, reader);
        names(&path, feed, config, reader);
        times(&path, feed, reader);
        headers(&path, feed, reader);
    }
}

/// Each service once, and files and URLs that can be asked.
fn lookups(config: &Config, reader: &mut Reader) {
    let mut before = BTreeMap::new();
    for (i, lookup) in config.lookups.iter().enumerate() {
        let path = format!("lookups[{i}]");
        if let Some(first) = before.insert(lookup.service, i) {
            let message = format!("`{}` is asked twice", lookup.service);
            let found = at(reader, &format!("{path}.service"), message)
                .label("each service has one key and one quota")
                .also(reader.places.of(&format!("lookups[{first}].service")), "the other one");
            reader.findings.push(found);
        }
        whole(&format!("{path}.key_file"), Some(&lookup.key_file), reader);
        url(&format!("{path}.url"), lookup.url.as_ref(), reader);
    }
}

fn name(path: &str, feed: &Feed, reader: &mut Reader) {
    let name = feed.name.as_str();
    if PLACES.contains(&name) {
        let message = format!("`{name}` is what `[lists]` selects by country and AS");
        let found = at(reader, &format!("{path}.name"), message).label("this name is taken");
        reader.findings.push(found.help("give the feed another name"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.len() > NAME_MAX || !name.chars().all(fits) {
        let message = format!("bad name of a feed: `{}`", name.escape_debug());
        let found = at(reader, &format!("{path}.name"), message).label("not a name");
        let help = format!("a name has 1 to {NAME_MAX} of the characters a-z A-Z 0-9 . _ -");
        reader.findings.push(found.help(help));
    }
    if name == ALERTS {
        let found =
            at(reader, &format!("{path}.name"), "the list that rules of `[alerts]` make is called so");
        reader.findings.push(found.label("taken already").help("choose another name"));
    }
}

/// One origin, and only keys that mean something for it.
fn origin(path: &str, feed: &Feed, reader: &mut Reader) {
    let origins = feed.origins();
    let name = &feed.name;
    let [origin] = origins.as_slice() else {
        let what = if origins.is_empty() { "comes from nowhere" } else { "comes from two places" };
        let found = at(reader, path, format!("feed `{name}` {what}"))
            .label(if origins.is_empty() { "no origin".to_owned() } else { listed(origins) })
            .help("give exactly one of `file`, `url`, `crowdsec`, `taxii` and `push = true`");
        return reader.findings.push(found);
    };
    for (key, text) in [("url", &feed.url), ("crowdsec", &feed.crowdsec), ("taxii", &feed.taxii)] {
        url(&format!("{path}.{key}"), text.as_ref(), reader);
    }
    for (key, text) in [("file", &feed.file), ("key_file", &feed.key_file), ("categories", &feed.categories)]
    {
        whole(&format!("{path}.{key}"), text.as_ref(), reader);
    }
    let crowdsec = *origin == "crowdsec";
    if crowdsec && feed.key_file.is_none() {
        let found = at(reader, path, format!("feed `{name}` has no key for the local API"));
        let help = "make one by `cscli bouncers add NAME`, put it into a file and name that in `key_file`";
        reader.findings.push(found.label("`key_file` is missing").help(help));
    }
    let asked = matches!(*origin, "url" | "taxii");
    let iprep = matches!(feed.format, FeedFormat::SuricataIprep | FeedFormat::Auto);
    let own_format = matches!(*origin, "crowdsec" | "taxii") && feed.format != FeedFormat::Auto;
    for (key, given, means_something, why) in [
        ("key_file", feed.key_file.is_some(), crowdsec, "only a feed with `crowdsec` has one"),
        ("headers", !feed.headers.is_empty(), asked, "only a feed with `url` or `taxii` sends them"),
        ("categories", feed.categories.is_some(), iprep, "only format `suricata-iprep` has them"),
        ("format", own_format, false, "what comes from there has one format"),
        ("refresh", feed.refresh.is_some(), *origin != "push", "nobody is asked for a feed that is pushed"),
    ] {
        if given && !means_something {
            let found =
                at(reader, &format!("{path}.{key}"), format!("`{key}` means nothing for feed `{name}`"));
            reader.findings.push(found.label(why).help("remove it"));
        }
    }
}

/// A feed of names is for a DNS server, comes in a format that has names, and is not called as another list of them is.
fn names(path: &str, feed: &Feed, config: &Config, reader: &mut Reader) {
    if feed.says != Says::Honeypot {
        return;
    }
    let name = &feed.name;
    if config.profiles.dns.is_none() && reader.sound("profiles") {
        let found =
            at(reader, &format!("{path}.says"), format!("nobody asks for the names of feed `{name}`"))
                .label("needs `[profiles.dns]`")
                .help("judge the requesters of a DNS server, or remove the feed");
        reader.findings.push(found);
    }
    let help = "it has to be `list`, `stix`, `misp` or `misp-warninglist`, or found out with `auto`";
    if !feed.format.may_have_names() {
        let message = format!("format `{}` of feed `{name}` has no names", feed.format.name());
        let found = at(reader, &format!("{path}.format"), message).label("honeypots are names");
        reader.findings.push(found.help(help));
    }
    if feed.crowdsec.is_some() {
        let message = format!("what feed `{name}` follows has no names");
        let found = at(reader, &format!("{path}.crowdsec"), message).label("decisions are about addresses");
        reader.findings.push(found.help("take the names from `file`, `url`, `taxii` or `push = true`"));
    }
    if NAMES_ELSEWHERE.contains(&name.as_str()) {
        let found =
            at(reader, &format!("{path}.name"), format!("another list of honeypots is called `{name}`"));
        reader.findings.push(found.label("taken already").help("choose another name"));
    }
}

/// Entries that end before they are confirmed would come and go.
fn times(path: &str, feed: &Feed, reader: &mut Reader) {
    let usual = REFRESH[usize::from(feed.crowdsec.is_none())];
    let refresh = feed.refresh.map_or(usual, |refresh| refresh.get());
    if !feed.push && feed.expiry.is_some_and(|expiry| expiry.get() < 2 * refresh) {
        let message = format!("entries of feed `{}` end before they are confirmed", feed.name);
        let found = at(reader, &format!("{path}.expiry"), message)
            .label(format!("less than two refreshes of {} s", refresh / 1000))
            .help("raise it, or refresh more often");
        reader.findings.push(found);
    }
}

fn headers(path: &str, feed: &Feed, reader: &mut Reader) {
    // RFC 9110, section 5.6.2.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for (i, header) in feed.headers.iter().enumerate() {
        let path = format!("{path}.headers[{i}]");
        let FeedHeader { name, value, file, prefix } = header;
        let wrong = if !name.as_str().chars().all(token) {
            Some(("name", "expected a header's name, such as `Key`"))
        } else if value.is_some() == file.is_some() {
            Some(("value", "expected either `value` or, for a secret, `file`"))
        } else if prefix.is_some() && file.is_none() {
            Some(("prefix", "stands before a secret only; remove it"))
        } else {
            None
        };
        if let Some((key, what)) = wrong {
            let message = format!("header `{}` cannot be sent", name.as_str().escape_debug());
            reader.findings.push(at(reader, &format!("{path}.{key}"), message).label(what));
        }
        whole(&format!("{path}.file"), file.as_ref(), reader);
    }
}

fn url(path: &str, text: Option<&Text>, reader: &mut Reader) {
    let Some(text) = text else { return };
    let rest = ["http://", "https://"].iter().find_map(|scheme| text.as_str().strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let fits = |host: &str| !host.is_empty() && !host.starts_with(':') && !text.as_str().contains(' ');
    if !host.is_some_and(fits) {
        let found = at(reader, path, format!("`{text}` is no URL that can be asked"));
        reader.findings.push(found.label("expected http://host/… or https://host/…"));
    }
}

/// A path that means the same wherever the text came from.
fn whole(path: &str, text: Option<&Text>, reader: &mut Reader) {
    if let Some(text) = text.filter(|text| !Path::new(text.as_str()).is_absolute()) {
        let found = at(reader, path, format!("`{text}` starts in no folder"))
            .label("expected a whole path")
            .help("name the whole path, such as \"/etc/repute/feeds/drop.json\"");
        reader.findings.push(found);
    }
}
