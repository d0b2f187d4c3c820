//! Defaults of `[events]` and `[alerts]`.

use crate::config::{AlertInput, AlertRule, Alerts, EventFormat, Incidents, Severity, Sink, Step};
use crate::value::{Duration, Int, Share, Size, Text};

impl Sink {
    pub(in crate::config) fn unread() -> Self {
        Self {
            name: Text::UNREAD,
            file: None,
            udp: None,
            tcp: None,
            tls: None,
            format: EventFormat::Json,
            least: Severity::Info,
            kinds: Vec::new(),
            queue: Int::new(4096),
            rotate: Size::new(64 << 20),
            keep: Int::new(5),
            facility: Int::new(16),
            datagram: Size::new(2048),
            ca: None,
            cert: None,
            key: None,
            server_name: None,
        }
    }
}

impl Default for Incidents {
    fn default() -> Self {
        Self { steps: Vec::new(), least: Severity::Warning, open: Int::new(100), ca: None }
    }
}

impl Step {
    pub(in crate::config) fn unread() -> Self {
        Self {
            name: Text::UNREAD,
            url: Text::UNREAD,
            secret: Text::UNREAD,
            acknowledge: Duration::new(15 * 60_000),
            tries: Int::new(5),
            retry: Duration::new(5_000),
            timeout: Duration::new(10_000),
        }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            rules: Vec::new(),
            bound: Share::new(0.5),
            per: Duration::new(60 * 60_000),
            duplicates: Duration::new(60_000),
            stale: Duration::new(15 * 60_000),
        }
    }
}

impl AlertInput {
    pub(in crate::config) fn unread() -> Self {
        Self {
            name: Text::UNREAD,
            eve: None,
            from_start: false,
            unix: None,
            datagrams: false,
            syslog: None,
            from: Vec::new(),
            connections: Int::new(64),
        }
    }
}

impl AlertRule {
    pub(in crate::config) fn unread() -> Self {
        Self {
            name: Text::UNREAD,
            signature: None,
            signature_to: None,
            signature_name: None,
            category: None,
            severity: None,
            side: None,
            input: None,
            lower: None,
            raise: None,
            forgive: false,
            treat: None,
            lifetime: None,
            around_v4: None,
            around_v6: None,
            prefix: None,
            service: None,
        }
    }
}
