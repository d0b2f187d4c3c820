//! What a webhook says.

use std::time::SystemTime;

use serde::Serialize;

use super::{Delivery, Incident, Message};
use crate::event::{Mitigation, rfc3339};

/// Names the form of the body; its last part is the version.
const SCHEMA: &str = "urn:repute:schema:incident:1";

#[derive(Serialize)]
struct Body<'a> {
    schema: &'a str,
    /// The same for every try of one message.
    delivery: String,
    attempt: u32,
    message: Message,
    incident: String,
    step: &'a str,
    #[serde(rename = "box")]
    host: &'a str,
    sent: String,
    summary: String,
    mitigation: &'a Mitigation,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledge: Option<Acknowledge<'a>>,
}

/// How to say that somebody takes care: `POST` the token and a name to the path at the box's API.
#[derive(Serialize)]
struct Acknowledge<'a> {
    path: String,
    token: &'a str,
}

/// The body of a delivery, sent now by the box `host` to the receiver of the step of that name.
pub fn body(delivery: &Delivery, incident: &Incident, step: &str, host: &str, now: SystemTime) -> Vec<u8> {
    let id = incident.id.to_string();
    let (word, acknowledge) = match delivery.message {
        Message::Opened => {
            let path = format!("/v1/incidents/{id}/acknowledge");
            ("opened", Some(Acknowledge { path, token: &incident.token }))
        }
        Message::Ended => ("ended", None),
    };
    let body = Body {
        schema: SCHEMA,
        delivery: format!("{id}/{step}/{word}"),
        attempt: delivery.attempt,
        message: delivery.message,
        step,
        host,
        sent: rfc3339(now),
        summary: incident.mitigation.to_string(),
        mitigation: &incident.mitigation,
        acknowledge,
        incident: id,
    };
    // Texts and numbers: writing them cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}
