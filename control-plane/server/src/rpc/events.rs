//! The service `Events`: the event stream, alerts, incidents.

use std::sync::Arc;

use repute_proto::v1;
use repute_proto::v1::events_server::Events as Service;
use repute_siem::{
    AckError, Alert, DeskError, Event, Format, Incident, IncidentDesk, Received, Severity, Subscription,
    What, parse_line,
};
use tokio::sync::mpsc::error::TrySendError;
use tonic::{Request, Response, Status};

use super::audited::{Asked, Changed};
use super::convert::unix_ms;
use super::{Api, Sink, Streamed, send};
use crate::EventRoom;

/// Events that may wait for a slow reader of the stream.
const QUEUE: usize = 4096;
/// What rules call this way in.
const INPUT: &str = "api";
/// Longest name of who acknowledges, in characters.
const WHO_MAX: usize = 100;

#[tonic::async_trait]
impl Service for Api {
    type SubscribeStream = Streamed<v1::EventMessage>;

    async fn subscribe(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let wanted = Wanted::new(request.into_inner())?;
        let events = self.events()?.bus.subscribe("stream", QUEUE);
        let events = events.map_err(|error| Status::resource_exhausted(error.to_string()))?;
        Ok(Response::new(self.stream(move |sink| follow(events, wanted, sink))))
    }

    async fn alert(&self, request: Request<v1::AlertRequest>) -> Result<Response<v1::AlertResponse>, Status> {
        let asked = Asked::by(&request, "/repute.v1.Events/Alert", "");
        let alert = match parse_line(&request.get_ref().record) {
            // Nothing comes of what is no alert.
            Ok(None) => return Ok(Response::new(v1::AlertResponse { is_alert: false })),
            Ok(Some(alert)) => Ok(alert),
            Err(error) => Err(Status::invalid_argument(error.to_string())),
        };
        let object = alert.as_ref().map_or_else(|_| "a record that cannot be read".to_owned(), named);
        let api = self.clone();
        let hand_on = async move { api.hand_on(alert?) };
        self.audited(asked.about(object), hand_on).await.map(Response::new)
    }

    async fn incidents(
        &self,
        _: Request<v1::IncidentsRequest>,
    ) -> Result<Response<v1::IncidentsResponse>, Status> {
        let incidents = self.desk()?.list().await.map_err(refuse)?;
        Ok(Response::new(v1::IncidentsResponse { incidents: incidents.iter().map(incident).collect() }))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeResponse>, Status> {
        let v1::AcknowledgeRequest { incident, who } = request.get_ref().clone();
        let object = format!("incident {incident}");
        let asked = Asked::by(&request, "/repute.v1.Events/Acknowledge", object);
        let api = self.clone();
        let acknowledge = async move { api.acknowledge_as(&incident, &who).await };
        self.audited(asked, acknowledge).await.map(Response::new)
    }
}

impl Api {
    fn events(&self) -> Result<&EventRoom, Status> {
        self.hub.event_room().ok_or_else(|| Status::unavailable("this reputed has no event stream"))
    }

    /// Hands an alert to the rules. What they make of it is an event.
    fn hand_on(&self, alert: Alert) -> Result<Changed<v1::AlertResponse>, Status> {
        let sent = self.events()?.alerts.try_send(Received { input: INPUT.into(), alert });
        sent.map_err(|error| match error {
            TrySendError::Full(_) => Status::resource_exhausted("too many alerts wait: send it again later"),
            TrySendError::Closed(_) => Status::unavailable("alerts are not read any more: restart reputed"),
        })?;
        Ok(Changed::to("handed to the rules", v1::AlertResponse { is_alert: true }))
    }

    async fn acknowledge_as(&self, id: &str, who: &str) -> Result<Changed<v1::AcknowledgeResponse>, Status> {
        if who.is_empty() || who.chars().count() > WHO_MAX || who.chars().any(char::is_control) {
            return Err(Status::invalid_argument(format!(
                "who: expected a name of 1 to {WHO_MAX} characters"
            )));
        }
        let desk = self.desk()?;
        let open = desk.list().await.map_err(refuse)?;
        let before = open.iter().find(|incident| incident.id.to_string() == id);
        let before = before.map(|incident| match &incident.acknowledged {
            Some(who) => format!("acknowledged by {who}"),
            None => format!("open, step {}", incident.step + 1),
        });
        desk.acknowledge(id, who).await.map_err(refuse)?;
        let after = Some(format!("acknowledged by {who}"));
        Ok(Changed { answer: v1::AcknowledgeResponse {}, before, after })
    }

    fn desk(&self) -> Result<Arc<IncidentDesk>, Status> {
        let none = "nobody is told of incidents: configure [events.incidents]";
        self.events()?.desk.clone().ok_or_else(|| Status::failed_precondition(none))
    }
}

/// What a reader of the stream wants.
#[derive(Debug)]
struct Wanted {
    kinds: Vec<String>,
    least: Severity,
}

impl Wanted {
    fn new(request: v1::SubscribeRequest) -> Result<Self, Status> {
        let v1::SubscribeRequest { kinds, least } = request;
        if let Some(kind) = kinds.iter().find(|kind| !What::KINDS.contains(&kind.as_str())) {
            let kind: String = kind.chars().take(40).collect();
            let known = What::KINDS.join(", ");
            return Err(Status::invalid_argument(format!("there is no event `{kind}`; kinds are {known}")));
        }
        let least = match least.as_str() {
            "" => Severity::Info,
            word => Severity::from_name(word).ok_or_else(|| {
                let known = Severity::ALL.map(|severity| severity.name()).join(", ");
                Status::invalid_argument(format!("least: expected one of {known}"))
            })?,
        };
        Ok(Self { kinds, least })
    }

    fn takes(&self, event: &Event) -> bool {
        event.severity >= self.least
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == event.what.kind()))
    }
}

async fn follow(
    mut events: Subscription,
    wanted: Wanted,
    sink: Sink<v1::EventMessage>,
) -> Result<(), Status> {
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = sink.closed() => return Ok(()),
        };
        let Some(event) = event else { return Err(Status::unavailable("the event stream has ended")) };
        if wanted.takes(&event) && send(&sink, message(&event)).await.is_err() {
            return Ok(());
        }
    }
}

fn message(event: &Event) -> v1::EventMessage {
    v1::EventMessage {
        id: event.id.to_string(),
        at_unix_ms: unix_ms(event.at),
        kind: event.what.kind().to_owned(),
        severity: event.severity.name().to_owned(),
        source: event.what.source().map(|source| source.to_string()).unwrap_or_default(),
        text: Format::Text.line(event),
        json: Format::Json.line(event),
    }
}

fn incident(incident: &Incident) -> v1::Incident {
    v1::Incident {
        id: incident.id.to_string(),
        source: incident.matter.source.to_string(),
        cause: incident.matter.cause.to_string(),
        began_unix_ms: unix_ms(incident.mitigation.began),
        step: incident.step as u32 + 1,
        acknowledged: incident.acknowledged.clone().unwrap_or_default(),
    }
}

/// What the audit log calls an alert.
fn named(alert: &Alert) -> String {
    let Alert { signature_text, name, source, destination, .. } = alert;
    format!("alert {signature_text} {name}, {source} to {destination}")
}

fn refuse(error: DeskError) -> Status {
    match error {
        DeskError::Ack(AckError::Unknown(_)) => Status::not_found(error.to_string()),
        DeskError::Ack(_) => Status::failed_precondition(error.to_string()),
        DeskError::Gone => Status::unavailable(error.to_string()),
    }
}
