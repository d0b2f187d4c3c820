//! Service `Dns`.

use repute_model::{
    Address, Asking, DomainName, NameLook, RequesterRow, Rpz, RpzMatch, RpzRuling, RpzTrigger,
};
use repute_policy::Checked;
use repute_proto::v1;
use repute_proto::v1::dns_server::Dns as Service;
use repute_reputation::names::NameModel;
use tonic::{Request, Response, Status};

use super::Api;
use super::audited::Asked;
use super::convert::band;
use super::honeypots::{self, named};
use crate::HubError;
use crate::dns::client;

/// Rows of each kind, where nobody says how many, and at most.
const ROWS: u16 = 20;
const ROWS_MAX: u16 = 100;
/// The type of addresses (RFC 1035, 3.2.2).
const A: u16 = 1;

#[tonic::async_trait]
impl Service for Api {
    async fn top(&self, request: Request<v1::DnsTopRequest>) -> Result<Response<v1::DnsTopResponse>, Status> {
        self.hub.dns_config().await?;
        let most = match request.into_inner().max_rows {
            0 => ROWS,
            rows => u16::try_from(rows).unwrap_or(ROWS_MAX).min(ROWS_MAX),
        };
        let top = self.hub.dns_top(most).await?;
        Ok(Response::new(v1::DnsTopResponse {
            requesters: top.requesters.iter().map(requester).collect(),
            domains: top.domains.iter().map(domain).collect(),
        }))
    }

    async fn cache(&self, _: Request<v1::DnsCacheRequest>) -> Result<Response<v1::DnsCacheResponse>, Status> {
        let limits = self.hub.dns_config().await?.limits();
        let workers = (0..).zip(self.hub.accounts()).map(|(worker, account)| {
            let (dns, cache) = (account.dns, account.dns.cache);
            v1::DnsWorkerCache {
                worker,
                answers: dns.cache_answers,
                answers_max: limits.cache_answers.into(),
                bytes: dns.cache_bytes,
                bytes_max: limits.cache_bytes,
                hits: cache.hits,
                stale: cache.stale,
                misses: cache.misses,
                unfit: cache.unfit,
                kept: cache.learned,
                unkept: cache.unkept.iter().sum(),
                evicted: cache.evicted,
                expired: cache.expired,
            }
        });
        Ok(Response::new(v1::DnsCacheResponse { workers: workers.collect() }))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainNameRequest>,
    ) -> Result<Response<v1::NameExplanation>, Status> {
        let v1::ExplainNameRequest { name, r#type, client: from } = request.into_inner();
        let name: DomainName = name.trim().parse().map_err(HubError::NoName)?;
        let kind = match r#type {
            0 => A,
            kind => u16::try_from(kind)
                .map_err(|_| Status::invalid_argument(format!("type {kind}: expected 1 to 65535")))?,
        };
        let client = client(&from)?;
        let checked = self.hub.dns_config().await?;
        let looks = self.hub.dns_name(&name, kind, client).await?;
        let lists = honeypots::lists(&checked, &self.hub.inner.shelf.lures(), &name);
        Ok(Response::new(explanation(&checked, lists, &name, kind, client, &looks)))
    }

    async fn honeypots(
        &self,
        request: Request<v1::HoneypotsRequest>,
    ) -> Result<Response<v1::HoneypotsResponse>, Status> {
        self.hub.dns_config().await?;
        Ok(Response::new(honeypots::list(&self.hub, request.into_inner().max_rows)))
    }

    async fn add_honeypots(
        &self,
        request: Request<v1::AddHoneypotsRequest>,
    ) -> Result<Response<v1::HoneypotsChanged>, Status> {
        let asked = Asked::by(&request, "/repute.v1.Dns/AddHoneypots", named(&request.get_ref().names));
        let (api, request) = (self.clone(), request.into_inner());
        self.audited(asked, async move { honeypots::add(&api, request).await }).await.map(Response::new)
    }

    async fn remove_honeypots(
        &self,
        request: Request<v1::RemoveHoneypotsRequest>,
    ) -> Result<Response<v1::HoneypotsChanged>, Status> {
        let asked = Asked::by(&request, "/repute.v1.Dns/RemoveHoneypots", named(&request.get_ref().names));
        let (api, request) = (self.clone(), request.into_inner());
        self.audited(asked, async move { honeypots::remove(&api, request).await }).await.map(Response::new)
    }
}

fn requester(row: &RequesterRow) -> v1::DnsRequester {
    let Asking { queries_per_s, nxdomain } = row.asking;
    let standing = row.standing;
    v1::DnsRequester {
        source: row.source.to_string(),
        queries_per_s,
        nxdomain,
        band: standing.map_or(v1::Band::Unspecified, |(of, _)| band(of)).into(),
        score: standing.map_or(0, |(_, score)| score.get().into()),
    }
}

fn domain((name, asking): &(DomainName, Asking)) -> v1::DnsDomain {
    let Asking { queries_per_s, nxdomain } = *asking;
    v1::DnsDomain { name: name.to_string(), queries_per_s, nxdomain }
}

fn explanation(
    checked: &Checked,
    honeypot_lists: Vec<String>,
    name: &DomainName,
    kind: u16,
    client: Address,
    looks: &[NameLook],
) -> v1::NameExplanation {
    let labels: Vec<&[u8]> = name.labels().collect();
    // Absent only in a build whose tests fail.
    let model = NameModel::built_in().ok();
    let ruling = match checked.zones().at_query(client, name.as_bytes()) {
        RpzRuling::Nothing => "nothing",
        RpzRuling::AtAnswer => "at-answer",
        RpzRuling::Match(found) => found.action.effect().name(),
    };
    v1::NameExplanation {
        name: name.to_string(),
        r#type: kind.into(),
        zones: rules(checked, name, client),
        ruling: ruling.to_owned(),
        honeypot: !honeypot_lists.is_empty(),
        honeypot_lists,
        made_up: model.map_or(0.0, |model| model.probability(labels.iter().copied())),
        exists: looks.iter().any(|look| look.exists),
        attacked: looks.iter().any(|look| look.attacked),
        kept: kept(checked, looks),
    }
}

/// What each zone alone says of a name or of who asks for it.
fn rules(checked: &Checked, name: &DomainName, client: Address) -> Vec<v1::ZoneRule> {
    let zones = (0..).zip(checked.zones().zones());
    let rules = zones.filter_map(|(number, zone)| {
        let alone = Rpz::new(vec![zone.clone()])?;
        let RpzRuling::Match(found) = alone.at_query(client, name.as_bytes()) else { return None };
        let owner = match found.trigger {
            RpzTrigger::ClientIp => zone
                .owner_of_client(client)
                .map(|prefix| repute_rpz::prefix_owner(prefix, RpzTrigger::ClientIp)),
            _ => zone.owner_of_name(name.as_bytes()).map(|owner| owner.to_string()),
        };
        Some(rule(checked, &RpzMatch { zone: number, ..found }, owner.unwrap_or_default()))
    });
    rules.collect()
}

fn rule(checked: &Checked, found: &RpzMatch, owner: String) -> v1::ZoneRule {
    let zone = checked.zone_reports().get(usize::from(found.zone));
    v1::ZoneRule {
        zone: zone.map_or_else(String::new, |zone| zone.name.clone()),
        trigger: found.trigger.name().to_owned(),
        owner,
        effect: found.action.effect().name().to_owned(),
    }
}

fn kept(checked: &Checked, looks: &[NameLook]) -> Vec<v1::KeptAnswer> {
    let of_worker = |(worker, look): (u32, &NameLook)| {
        let both = [false, true].into_iter().zip(look.kept);
        let kept = both.filter_map(move |(dnssec, kept)| Some((worker, dnssec, kept?)));
        kept.collect::<Vec<_>>()
    };
    let all = (0..).zip(looks).flat_map(of_worker);
    let kept = all.map(|(worker, dnssec, kept)| v1::KeptAnswer {
        worker,
        dnssec,
        rcode: kept.rcode.into(),
        bytes: kept.bytes,
        age_s: kept.age_s,
        left_s: kept.left_s,
        ruled: kept.ruled.map(|found| rule(checked, &found, String::new())),
    });
    kept.collect()
}
