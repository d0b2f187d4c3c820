//! `[profiles.dns.endpoint]` as workers go by it.

use repute_model::{Check, Endpoint, Origin};

use crate::config::{self, HealthCheck};

/// The class of the Internet (RFC 1035, 3.2.4).
const IN: u16 = 1;

pub(super) fn compile(endpoint: &config::Endpoint) -> Endpoint {
    Endpoint {
        addresses: endpoint.addresses.iter().map(|ip| ip.get().into()).collect(),
        origins: endpoint.origins.iter().map(origin).collect(),
        upstreams: endpoint.upstreams.iter().map(|server| server.0).collect(),
        check: check(&endpoint.check),
    }
}

fn origin(origin: &config::Origin) -> Origin {
    let gateway = origin.gateway.map(|ip| ip.get().into());
    Origin { address: origin.address.address(), link: origin.address.link(), gateway }
}

fn check(check: &HealthCheck) -> Check {
    let rest = [check.record.number().to_be_bytes(), IN.to_be_bytes()].concat();
    Check {
        question: [check.name.0.as_bytes(), &rest].concat(),
        interval_ms: check.interval.get() as u32,
        timeout_ms: check.timeout.get() as u32,
        failures: check.failures.get() as u8,
        successes: check.successes.get() as u8,
    }
}
