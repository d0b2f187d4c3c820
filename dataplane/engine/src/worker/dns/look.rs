//! What an operator is told about DNS.
//!
//! Called when a command asks for it. Always holds: nothing is counted by looking, nothing is allocated, and the form goes
//! back to be freed.

use repute_model::{
    Dns, DomainRow, KeptLook, NameLook, Packet, Report, RequesterRow, SystemLook, Tick, Token, TopLook,
};
use repute_reputation::Slot;
use repute_wire::dns::Query;

use crate::dns::zones::Ruled;
use crate::dns::{Cache, Interceptor};
use crate::worker::Worker;

/// Bytes of the longest query that is made up: header, name, type and class, OPT.
const QUERY_MAX: usize = 12 + 255 + 4 + 11;

impl<P: Packet> Worker<P> {
    /// Fills in what is made of a name.
    pub(in crate::worker) fn look_at_name(&mut self, token: Token, mut look: Box<NameLook>) {
        if let (Some(rules), Some(dns)) = (&self.policy.dns, &self.dns) {
            let mut buffer = [0; QUERY_MAX];
            for dnssec in [false, true] {
                let Some(query) = query(&look, dnssec, &mut buffer) else { continue };
                let place = dns.names.place(&query.question.name);
                (look.exists, look.attacked) = dns.domains.look(&place, self.now);
                let kept = dns.cache.as_ref().and_then(|cache| kept(cache, &query, &look, rules, self.now));
                look.kept[usize::from(dnssec)] = kept;
            }
        }
        self.mailbox.must_send(Report::Name(token, look));
    }

    /// Fills in who asks most, and below which domains.
    pub(in crate::worker) fn look_at_top(&mut self, token: Token, mut look: Box<TopLook>) {
        if let Some(Interceptor { requesters, most_asked, .. }) = &self.dns {
            let TopLook { requesters: rows, domains } = &mut *look;
            let standing = |source| {
                let hot = self.shard.hot(self.shard.find(source)?);
                Some((hot.band, hot.score))
            };
            requesters.best(rows.capacity(), self.now, |source, asking| {
                if let Some(source) = *source {
                    rows.push(RequesterRow { source, asking, standing: standing(source) });
                }
            });
            most_asked.best(domains.capacity(), self.now, |name, asking| {
                domains.push(DomainRow { name: *name, asking });
            });
        }
        self.mailbox.must_send(Report::Top(token, look));
    }

    /// What is known of the autonomous system of a source.
    pub(crate) fn look_at_system(&self, slot: Slot) -> Option<SystemLook> {
        let system = self.shard.resident(slot)?.system()?;
        self.dns.as_ref()?.systems.look(system, self.now)
    }
}

/// A query for a name as resolvers of people ask.
fn query<'b>(look: &NameLook, dnssec: bool, buffer: &'b mut [u8; QUERY_MAX]) -> Option<Query<'b>> {
    let name = look.name.as_bytes();
    let head = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(dnssec)];
    let opt: &[u8] = if dnssec { &[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0] } else { &[] };
    let mut len = 0;
    for part in [&head[..], name, &look.kind.to_be_bytes(), &[0, 1], opt] {
        buffer.get_mut(len..len + part.len())?.copy_from_slice(part);
        len += part.len();
    }
    Query::read(buffer.get(..len)?).ok()
}

fn kept(cache: &Cache, query: &Query<'_>, look: &NameLook, rules: &Dns, now: Tick) -> Option<KeptLook> {
    let hit = cache.again(query, &rules.cache, now)?;
    let (age_s, left_s) = hit.times_s(now);
    let ruled = Ruled::of_kept(&rules.zones, look.client, query, cache, &rules.cache, now);
    Some(KeptLook {
        rcode: hit.rcode().number(),
        bytes: hit.bytes(usize::MAX) as u32,
        age_s,
        left_s,
        ruled: ruled.map(|ruled| ruled.found),
    })
}
