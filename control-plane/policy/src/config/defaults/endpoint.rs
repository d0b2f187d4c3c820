//! Defaults of `[profiles.dns.endpoint]`.

use repute_model::DomainName;

use crate::config::{Endpoint, HealthCheck, RecordType};
use crate::value::{Duration, Int, Queried};

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            origins: Vec::new(),
            upstreams: Vec::new(),
            check: HealthCheck::default(),
            flows: Int::new(65_536),
            connections: Int::new(8192),
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            name: Queried(DomainName::root()),
            record: RecordType::Ns,
            interval: Duration::new(1000),
            timeout: Duration::new(1000),
            failures: Int::new(3),
            successes: Int::new(2),
        }
    }
}
