//! From `[[feeds]]` to what the room of feeds is run with.

use std::path::PathBuf;
use std::time::Duration;

use repute_feeds::{Action, FeedConfig, Format, Header, Origin, Shape, Weights};
use repute_policy::Checked;
use repute_policy::config::{Feed, FeedFormat, FeedHeader, Says};
use repute_policy::value::Text;

use crate::source::width;

/// The feeds of a config, in its order.
pub(super) fn feeds_of(checked: &Checked) -> Vec<FeedConfig> {
    let width = width(checked, &checked.limits());
    let one = |feed: &Feed| origin(feed).map(|origin| FeedConfig { width, ..config(feed, origin) });
    checked.config().feeds.iter().filter_map(one).collect()
}

/// What no feed of a config may deny: what is inside, and where that is judged all private and reserved space.
pub(super) fn shape_of(checked: &Checked) -> Shape {
    let config = checked.config();
    let inside = config.inside.iter().map(|cidr| cidr.0).collect();
    Shape { inside, reserved: config.profiles.judges_inside() }
}

fn config(feed: &Feed, origin: Origin) -> FeedConfig {
    let usual = FeedConfig::new(feed.name.as_str(), origin);
    FeedConfig {
        format: format(feed.format),
        action: action(feed.says),
        confidence: feed.confidence.get() as u8,
        expiry: feed.expiry.map(|expiry| Duration::from_millis(expiry.get())),
        refresh: feed.refresh.map_or(usual.refresh, |refresh| Duration::from_millis(refresh.get())),
        timeout: Duration::from_millis(feed.timeout.get()),
        bytes_max: feed.bytes_max.get(),
        entries_max: feed.entries_max.get() as usize,
        categories: feed.categories.as_ref().map(path),
        ..usual
    }
}

fn action(says: Says) -> Action {
    match says {
        Says::Deny => Action::Deny,
        Says::Allow => Action::Allow,
        Says::Honeypot => Action::Honeypot,
    }
}

/// Where it comes from: a checked feed has exactly one origin.
fn origin(feed: &Feed) -> Option<Origin> {
    let text = |text: &Text| text.as_str().to_owned();
    let headers = || feed.headers.iter().filter_map(header).collect();
    let file = feed.file.as_ref().map(|file| Origin::File(path(file)));
    let http = || feed.url.as_ref().map(|url| Origin::Http { url: text(url), headers: headers() });
    let taxii = || feed.taxii.as_ref().map(|url| Origin::Taxii { url: text(url), headers: headers() });
    let crowdsec = || {
        let (url, key_file) = (text(feed.crowdsec.as_ref()?), path(feed.key_file.as_ref()?));
        Some(Origin::Crowdsec { url, key_file, weights: Weights::default() })
    };
    file.or_else(http).or_else(taxii).or_else(crowdsec).or_else(|| feed.push.then_some(Origin::Pushed))
}

fn header(header: &FeedHeader) -> Option<Header> {
    let FeedHeader { name, value, file, prefix } = header;
    let name = name.as_str().to_owned();
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
    let secret = |file: &Text| Header::Secret {
        name: name.clone(),
        prefix: text(prefix).unwrap_or_default(),
        file: path(file),
    };
    file.as_ref().map(secret).or_else(|| text(value).map(|value| Header::Plain { name: name.clone(), value }))
}

fn path(text: &Text) -> PathBuf {
    text.as_str().into()
}

/// `None` = by its first bytes.
fn format(format: FeedFormat) -> Option<Format> {
    Format::ALL.into_iter().find(|known| known.name() == format.name())
}

#[cfg(test)]
mod tests {
    use repute_policy::Config;

    use super::*;

    #[test]
    fn every_format_of_the_config_is_one_of_the_room() {
        for word in FeedFormat::ALL.iter().filter(|word| **word != FeedFormat::Auto) {
            assert_eq!(format(*word).map(Format::name), Some(word.name()));
        }
        assert_eq!(FeedFormat::ALL.len(), Format::ALL.len() + 1);
        assert_eq!(format(FeedFormat::Auto), None);
    }

    #[test]
    fn what_the_checks_let_through_can_be_run() {
        let text = r#"
            inside = ["10.0.0.0/8"]
            [profiles.egress]
            [[feeds]]
            name = "a"
            file = "/a"
            says = "allow"
            [[feeds]]
            name = "b"
            url = "https://b.example/x"
            headers = [{ name = "Key", file = "/key", prefix = "Bearer " }, { name = "Accept", value = "text/plain" }]
            expiry = "2h"
            [[feeds]]
            name = "c"
            crowdsec = "http://127.0.0.1:8080"
            key_file = "/key"
            [[feeds]]
            name = "d"
            taxii = "https://d.example/c/1"
            [[feeds]]
            name = "e"
            push = true
            format = "suricata-iprep"
            categories = "/categories"
        "#;
        let checked = Config::parse("test", text).unwrap();
        let feeds = feeds_of(&checked);
        assert_eq!(feeds.iter().map(|feed| feed.name.as_str()).collect::<String>(), "abcde");
        for feed in &feeds {
            assert_eq!(feed.check(), Ok(()), "{feed:?}");
            assert_eq!(feed.width, repute_model::Width::INSIDE);
        }
        assert_eq!(feeds[2].refresh, Duration::from_secs(10));
        let Origin::Http { headers, .. } = &feeds[1].origin else { panic!("{feeds:?}") };
        assert_eq!(headers.len(), 2);
        let shape = shape_of(&checked);
        assert!(shape.reserved && shape.inside.len() == 1);
    }
}
