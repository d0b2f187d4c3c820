//! Service `Services`.

use repute_engine::ServiceAccount;
use repute_model::{Band, Effect, PairStanding, Standing};
use repute_proto::v1;
use repute_proto::v1::services_server::Services as Service;
use tonic::{Request, Response, Status};

use super::Api;
use crate::{HourView, ServiceView};

#[tonic::async_trait]
impl Service for Api {
    async fn list(
        &self,
        request: Request<v1::ListServicesRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let asked = request.into_inner().service;
        let mut services: Vec<_> = self.hub.status().await?.services.iter().map(service).collect();
        if !asked.is_empty() {
            services.retain(|service| service.service == asked);
            let terms = self.hub.hour_terms().await?;
            let week = terms.map(|terms| self.hub.inner.hours.week(&asked, &terms)).unwrap_or_default();
            for service in &mut services {
                service.week = week.iter().map(hour).collect();
            }
        }
        Ok(Response::new(v1::ListServicesResponse { services }))
    }
}

fn hour(view: &HourView) -> v1::HourOfWeek {
    let HourView { hour, weeks, usual, is_known } = *view;
    v1::HourOfWeek {
        hour: hour.to_string(),
        weeks: weeks.into(),
        known: is_known,
        packets_per_s: usual.packets_per_s,
        bytes_per_s: usual.bytes_per_s,
    }
}

fn service(view: &ServiceView) -> v1::ServiceStanding {
    let sources = Band::ALL.iter().zip(view.counts.sources);
    let roll_up = view.counts.roll_up();
    v1::ServiceStanding {
        service: view.name.clone(),
        criticality: view.criticality,
        owner: view.owner.clone(),
        sources: sources
            .map(|(band, count)| v1::Count { name: band.name().to_owned(), help: String::new(), count })
            .collect(),
        standing: view.standing().map(score),
        usual_bytes_per_s: roll_up.usual_per_s,
        bytes_per_s: roll_up.volume_per_s,
        shadow: effects(&view.counts),
        hour: view.hour.as_ref().map(hour),
        week: Vec::new(),
    }
}

/// A standing with its parts.
pub(super) fn score(standing: Standing) -> v1::ServiceScore {
    let Standing { baseline, deviation, destinations, criticality } = standing;
    let score = standing.score().get().into();
    v1::ServiceScore { score, baseline, deviation, destinations, criticality }
}

/// A source in one of its services, by these names.
pub(super) fn pair(pair: &PairStanding, services: &[String]) -> v1::PairStanding {
    v1::PairStanding {
        service: name(pair.service, services),
        standing: Some(score(pair.standing)),
        usual_bytes_per_s: pair.habit.usual_per_s,
        bytes_per_s: pair.habit.volume_per_s,
    }
}

/// The name of a service; empty for none.
pub(super) fn name(number: Option<u8>, services: &[String]) -> String {
    let name = |number: u8| {
        services.get(usize::from(number)).cloned().unwrap_or_else(|| format!("service {number}"))
    };
    number.map(name).unwrap_or_default()
}

/// What would have become of its packets in shadow mode.
pub(super) fn shadow(view: &ServiceView) -> v1::ServiceShadow {
    v1::ServiceShadow { service: view.name.clone(), effects: effects(&view.counts) }
}

fn effects(counts: &ServiceAccount) -> Vec<v1::Effect> {
    let effect = |&effect: &Effect| v1::Effect {
        name: effect.name().to_owned(),
        help: effect.help().to_owned(),
        packets: counts.shadow_packets[effect.index()],
        bytes: counts.shadow_bytes[effect.index()],
    };
    Effect::ALL.iter().map(effect).filter(|effect| effect.packets > 0).collect()
}
