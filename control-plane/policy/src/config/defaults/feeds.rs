//! Defaults of `[[feeds]]`, `[geo]` and `[[lookups]]`.

use crate::config::{Consistency, Feed, FeedFormat, FeedHeader, Lookup, LookupService, Says};
use crate::value::{Duration, Int, Share, Size, Text};

impl Default for Feed {
    /// A deny feed from nowhere.
    fn default() -> Self {
        Self {
            name: Text::UNREAD,
            file: None,
            url: None,
            crowdsec: None,
            taxii: None,
            push: false,
            format: FeedFormat::Auto,
            says: Says::Deny,
            confidence: Int::new(100),
            expiry: None,
            refresh: None,
            timeout: Duration::new(60_000),
            bytes_max: Size::new(256 << 20),
            entries_max: Int::new(4_194_304),
            headers: Vec::new(),
            key_file: None,
            categories: None,
        }
    }
}

impl Default for Consistency {
    fn default() -> Self {
        Self { weight: Share::new(0.3), size: Share::new(0.5), lifetime: Duration::new(3_600_000) }
    }
}

impl Default for FeedHeader {
    fn default() -> Self {
        Self { name: Text::UNREAD, value: None, file: None, prefix: None }
    }
}

impl Default for Lookup {
    /// For single questions of people.
    fn default() -> Self {
        Self {
            service: LookupService::Abuseipdb,
            key_file: Text::UNREAD,
            url: None,
            quota: Int::new(500),
            cache: Int::new(10_000),
            fresh: Duration::new(86_400_000),
            timeout: Duration::new(2_000),
        }
    }
}
