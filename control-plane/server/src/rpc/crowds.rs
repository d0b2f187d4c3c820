//! Service `Crowds`, and where an explained source is held up.

use repute_model::{CrowdChange, CrowdNumbers, CrowdState, Explanation, Flood, Prefix, Spread, SynAnswer};
use repute_policy::Checked;
use repute_proto::v1;
use repute_proto::v1::crowds_server::Crowds as Service;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::convert::unix_ms;
use super::{Api, Sink, Streamed, send};
use crate::{CROWD_CHANGES_MAX, CrowdEvent, Hub, HubError};

#[tonic::async_trait]
impl Service for Api {
    type ListStream = Streamed<v1::ListCrowdsResponse>;

    async fn list(
        &self,
        request: Request<v1::ListCrowdsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let v1::ListCrowdsRequest { all, within, max_rows } = request.into_inner();
        let within = match within.trim() {
            "" => None,
            text => Some(text.parse::<Prefix>().map_err(HubError::NoCrowd)?),
        };
        let hub = self.hub.clone();
        let wanted = Wanted { all, within, left: if max_rows == 0 { u64::MAX } else { max_rows } };
        Ok(Response::new(self.stream(move |sink| list(hub, sink, wanted))))
    }

    type WatchStream = Streamed<v1::CrowdEvent>;

    async fn watch(
        &self,
        request: Request<v1::WatchCrowdsRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let past = (request.into_inner().past as usize).min(CROWD_CHANGES_MAX);
        let (past, events) = self.hub.watch_crowds(past).await?;
        Ok(Response::new(self.stream(move |sink| watch(past, events, sink))))
    }
}

/// What a list is asked for.
#[derive(Debug)]
struct Wanted {
    all: bool,
    within: Option<Prefix>,
    /// Rows still.
    left: u64,
}

impl Wanted {
    fn takes(&self, crowd: Prefix) -> bool {
        let overlap = |within: Prefix| within.contains(crowd.first()) || crowd.contains(within.first());
        self.within.is_none_or(overlap)
    }
}

async fn list(hub: Hub, sink: Sink<v1::ListCrowdsResponse>, mut wanted: Wanted) -> Result<(), Status> {
    let answers = Answers::of(&*hub.config().await?);
    let mut at = Some(0);
    while let Some(cursor) = at.filter(|_| wanted.left > 0) {
        let (rows, next) = hub.crowd_page(wanted.all, cursor).await?;
        let rows = rows.iter().filter(|row| wanted.takes(row.crowd)).take(wanted.left as usize);
        let rows: Vec<_> = rows.map(|row| answers.standing(row)).collect();
        wanted.left -= rows.len() as u64;
        at = next;
        if !rows.is_empty() {
            send(&sink, v1::ListCrowdsResponse { rows }).await?;
        }
    }
    Ok(())
}

async fn watch(
    past: Vec<CrowdEvent>,
    mut events: Receiver<CrowdEvent>,
    sink: Sink<v1::CrowdEvent>,
) -> Result<(), Status> {
    for told in &past {
        send(&sink, event(told)).await?;
    }
    loop {
        let received = tokio::select! {
            () = sink.closed() => return Ok(()),
            received = events.recv() => received,
        };
        match received {
            Ok(told) => send(&sink, event(&told)).await?,
            Err(RecvError::Lagged(missed)) => send(&sink, v1::CrowdEvent { change: None, missed }).await?,
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

impl Api {
    /// Adds where the source is held up now, with the numbers of those crowds. Where the leader does not give them, the
    /// rest of the answer still holds.
    pub(super) async fn add_held_up(
        &self,
        explained: &Explanation,
        answer: &mut v1::Explanation,
    ) -> Result<(), HubError> {
        if explained.held_up.iter().all(Option::is_none) {
            return Ok(());
        }
        let answers = Answers::of(&*self.hub.config().await?);
        let crowds = self.hub.crowds().await.unwrap_or_default();
        for (crowd, floods) in explained.held_up.iter().flatten() {
            for &flood in Flood::ALL.iter().filter(|&&flood| floods.has(flood)) {
                let row = crowds.iter().find(|row| row.crowd == *crowd && row.flood == flood);
                answer.held_up.push(v1::HeldUp {
                    crowd: crowd.to_string(),
                    flood: flood.name().to_owned(),
                    numbers: row.map(|row| numbers(&row.numbers)),
                    becomes: flood.becomes(answers.syn).to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// What strangers get in a flood, by the config in force.
#[derive(Clone, Copy, Debug)]
struct Answers {
    /// Whether they are held up at all.
    given: bool,
    syn: SynAnswer,
}

impl Answers {
    fn of(checked: &Checked) -> Self {
        let rules = checked.crowd_rules();
        Self { given: rules.answers && !checked.is_shadow(), syn: rules.syn }
    }

    fn standing(self, row: &CrowdChange) -> v1::CrowdStanding {
        let held_up = self.given && row.to == CrowdState::Flood;
        v1::CrowdStanding {
            crowd: row.crowd.to_string(),
            flood: row.flood.name().to_owned(),
            state: row.to.name().to_owned(),
            numbers: Some(numbers(&row.numbers)),
            becomes: if held_up { row.flood.becomes(self.syn).to_owned() } else { String::new() },
        }
    }
}

fn numbers(numbers: &CrowdNumbers) -> v1::CrowdNumbers {
    let CrowdNumbers { excess, limit, per_s, completed_per_s, usual_per_s, heard, narrow, .. } = *numbers;
    let senders = numbers.senders.as_ref().map(senders);
    v1::CrowdNumbers { excess, limit, per_s, completed_per_s, usual_per_s, heard, senders, narrow }
}

fn senders(spread: &Spread) -> v1::CrowdSenders {
    let Spread { samples, network, port, entropy } = *spread;
    v1::CrowdSenders {
        samples,
        network: network.map_or_else(String::new, |(network, _)| network.to_string()),
        network_share: network.map_or(0.0, |(_, share)| share),
        port: port.map(|(port, _)| port.into()),
        port_share: port.map_or(0.0, |(_, share)| share),
        entropy,
    }
}

fn event(CrowdEvent { change, at }: &CrowdEvent) -> v1::CrowdEvent {
    let change = v1::CrowdChange {
        crowd: change.crowd.to_string(),
        flood: change.flood.name().to_owned(),
        from: change.from.name().to_owned(),
        to: change.to.name().to_owned(),
        numbers: Some(numbers(&change.numbers)),
        at_unix_ms: unix_ms(*at),
    };
    v1::CrowdEvent { change: Some(change), missed: 0 }
}
