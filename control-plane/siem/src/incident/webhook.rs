//! Sends one webhook.
//!
//! Redirects are not followed: a receiver shall not send signed incidents elsewhere. The answer's body is not read.

use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::config::WorkflowError;
use super::{DeliveryOutcome, SIGNATURE_HEADER, Secret, sign};

/// Largest file of authorities.
const CA_MAX: u64 = 4 << 20;

/// A client that trusts the authorities in `ca`, or those of the system.
pub fn client(ca: Option<&Path>) -> Result<Client, WorkflowError> {
    let agent = concat!("repute/", env!("CARGO_PKG_VERSION"));
    let mut builder = Client::builder().redirect(Policy::none()).user_agent(agent).no_proxy();
    if let Some(path) = ca {
        let failed = |reason: String| WorkflowError::Authorities { path: path.to_owned(), reason };
        let pem = read(path).map_err(|error| failed(error.to_string()))?;
        let authorities =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.to_string()))?;
        if authorities.is_empty() {
            return Err(failed("no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|error| WorkflowError::Client(chain(&error)))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(CA_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where a webhook goes to and how.
#[derive(Clone, Debug)]
pub struct Hook {
    pub url: String,
    pub secret: Secret,
    pub timeout: Duration,
}

/// Posts a body, signed now.
pub async fn post(client: Client, hook: Hook, nonce: [u8; 16], body: Vec<u8>) -> DeliveryOutcome {
    let signature = sign(&hook.secret, SystemTime::now(), nonce, &body);
    let request = client
        .post(hook.url)
        .header(CONTENT_TYPE, "application/json")
        .header(SIGNATURE_HEADER, signature)
        .timeout(hook.timeout)
        .body(body);
    match request.send().await {
        Ok(answer) => outcome(answer.status()),
        Err(error) => DeliveryOutcome::Failed(chain(&error)),
    }
}

fn outcome(status: StatusCode) -> DeliveryOutcome {
    const TRY_AGAIN: [StatusCode; 3] =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_success() {
        DeliveryOutcome::Delivered
    } else if status.is_server_error() || TRY_AGAIN.contains(&status) {
        DeliveryOutcome::Failed(format!("the receiver answered {status}"))
    } else {
        DeliveryOutcome::Refused(format!("the receiver answered {status}"))
    }
}

/// An error with its causes, without the URL: it may hold a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::from("no connection or no answer");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_decide_whether_to_try_again() {
        let of = |code| outcome(StatusCode::from_u16(code).unwrap());
        for code in [200, 202, 204] {
            assert_eq!(of(code), DeliveryOutcome::Delivered);
        }
        for code in [408, 425, 429, 500, 503] {
            assert!(matches!(of(code), DeliveryOutcome::Failed(_)), "{code}");
        }
        for code in [301, 400, 401, 404, 410] {
            assert!(matches!(of(code), DeliveryOutcome::Refused(_)), "{code}");
        }
    }
}
