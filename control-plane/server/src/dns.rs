//! What workers know of DNS: who asks most, and what is made of a name.
//!
//! Asked of every worker, one after the other: a requester is known to the worker that owns it, a name to any of them.
//! **Always holds:** what goes out comes back, filled in, to be freed here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use repute_model::{Address, Asking, Command, DomainName, NameLook, RequesterRow, TopLook};
use repute_policy::Checked;

use crate::post::Answer;
use crate::{Hub, HubError};

/// Who asks most and below which domains, the busiest first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DnsTop {
    /// Requesters.
    pub requesters: Vec<RequesterRow>,
    /// Domains, all workers together.
    pub domains: Vec<(DomainName, Asking)>,
}

impl Hub {
    /// The config in force, where it judges queries.
    ///
    /// # Errors
    /// [`HubError::NoDns`], [`HubError::Gone`].
    pub async fn dns_config(&self) -> Result<Arc<Checked>, HubError> {
        let checked = self.config().await?;
        if checked.config().profiles.dns.is_some() { Ok(checked) } else { Err(HubError::NoDns) }
    }

    /// Who asks most and below which domains: at most `most` of each.
    ///
    /// # Errors
    /// A worker that is busy or lags.
    pub async fn dns_top(&self, most: u16) -> Result<DnsTop, HubError> {
        let mut requesters = Vec::new();
        let mut domains: BTreeMap<DomainName, Asking> = BTreeMap::new();
        for worker in 0..self.workers() {
            let look = Box::new(TopLook::with_room(most));
            let answer = self.ask(worker, move |token| Command::LookAtTop { token, look }).await?;
            let Answer::Top(look) = answer else { return Err(HubError::Gone) };
            requesters.extend(look.requesters);
            for row in look.domains {
                if let Some(name) = row.name.name() {
                    let sum = domains.entry(name).or_default();
                    *sum = both(*sum, row.asking);
                }
            }
        }
        let mut domains: Vec<_> = domains.into_iter().collect();
        requesters.sort_by(|a, b| b.asking.queries_per_s.total_cmp(&a.asking.queries_per_s));
        domains.sort_by(|a, b| b.1.queries_per_s.total_cmp(&a.1.queries_per_s));
        requesters.truncate(most.into());
        domains.truncate(most.into());
        Ok(DnsTop { requesters, domains })
    }

    /// What every worker makes of a name, in their order.
    ///
    /// # Errors
    /// A worker that is busy or lags.
    pub async fn dns_name(
        &self,
        name: &DomainName,
        kind: u16,
        client: Address,
    ) -> Result<Vec<NameLook>, HubError> {
        let mut looks = Vec::new();
        for worker in 0..self.workers() {
            let look = Box::new(NameLook::new(name.clone(), kind, client));
            let answer = self.ask(worker, move |token| Command::LookAtName { token, look }).await?;
            let Answer::Name(look) = answer else { return Err(HubError::Gone) };
            looks.push(*look);
        }
        Ok(looks)
    }
}

/// What two workers count of one domain.
fn both(one: Asking, other: Asking) -> Asking {
    let queries_per_s = one.queries_per_s + other.queries_per_s;
    let misses = one.queries_per_s * one.nxdomain + other.queries_per_s * other.nxdomain;
    Asking { queries_per_s, nxdomain: if queries_per_s > 0.0 { misses / queries_per_s } else { 0.0 } }
}

/// The address in a text; the unspecified one where it is empty: no zone is about that.
pub(crate) fn client(text: &str) -> Result<Address, HubError> {
    match text.trim() {
        "" => Ok(Address(0)),
        text => match text.parse::<IpAddr>() {
            Ok(address) => Ok(address.into()),
            Err(_) => Err(HubError::NoAddress(text.chars().take(64).collect())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_weighed() {
        let of = |queries_per_s, nxdomain| Asking { queries_per_s, nxdomain };
        assert_eq!(both(of(30.0, 0.0), of(10.0, 1.0)), of(40.0, 0.25));
        assert_eq!(both(Asking::default(), Asking::default()), Asking::default());
    }

    #[test]
    fn clients_are_addresses() {
        assert_eq!(client("192.0.2.7").unwrap(), Address::v4(0xc000_0207));
        assert_eq!(client(" ").unwrap(), Address(0));
        assert!(client("192.0.2.0/24").unwrap_err().to_string().contains("`192.0.2.0/24` is no address"));
    }
}
