//! Why a visitor was not let through: a closed list, each with its count, its status and its word for people.

use axum::http::StatusCode;
use repute_model::named;

named! {
    /// Why a visitor was not let through.
    Refusal;

    /// It asks too often.
    Rate = "rate",
    /// Its address holds as many connections as one may.
    Connections = "connections",
    /// A proxy does not say for whom it asks.
    Nameless = "nameless",
    /// What it sent is no solution of any task.
    Malformed = "malformed",
    /// This box, since its start, has not set the task to this address.
    Forged = "forged",
    /// The task is too old.
    Expired = "expired",
    /// The solution is none.
    Unsolved = "unsolved",
    /// The task was solved before.
    Spent = "spent",
    /// It has passed as often as one may for now.
    Often = "often",
    /// Its queries are blocked: no challenge is asked of it.
    Blocked = "blocked",
    /// There is no room to remember one more solved task, or the worker does not answer.
    Busy = "busy",
}

impl Refusal {
    /// The status of the answer (RFC 9110, RFC 6585).
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Rate | Self::Connections | Self::Often => StatusCode::TOO_MANY_REQUESTS,
            Self::Nameless => StatusCode::BAD_GATEWAY,
            Self::Malformed | Self::Unsolved => StatusCode::BAD_REQUEST,
            Self::Forged | Self::Blocked => StatusCode::FORBIDDEN,
            Self::Expired | Self::Spent => StatusCode::GONE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the person in front of the page is told.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Rate | Self::Connections => {
                "Too many requests came from your address. Wait half a minute, then load this page again."
            }
            Self::Nameless => {
                "The proxy in front of this page does not say who you are. Whoever runs it has to add the header \
                 X-Forwarded-For."
            }
            Self::Malformed | Self::Unsolved => {
                "The solution did not arrive as it should. Load this page again."
            }
            Self::Forged => {
                "Your address has changed since this page was loaded, or the gateway has begun anew. Load this page again."
            }
            Self::Expired => "Solving the task took too long. Load this page again for a new one.",
            Self::Spent => "This task was solved before. Load this page again for a new one.",
            Self::Often => {
                "Your address has passed this check several times within the hour. Something behind it goes on to send \
                 unusual DNS queries: look for a program that does. Wait a while, then load this page again."
            }
            Self::Blocked => {
                "DNS queries of your address are blocked, and this check does not change that. It will end by itself once \
                 the unusual queries do. If you think that this is a mistake, tell whoever runs the DNS server."
            }
            Self::Busy => "The gateway is busy. Wait a minute, then load this page again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_what_to_do_by_a_status_that_is_no_success() {
        for refusal in Refusal::ALL {
            assert!(refusal.advice().ends_with('.') && !refusal.advice().contains("  "), "{refusal}");
            assert!(refusal.status().is_client_error() || refusal.status().is_server_error(), "{refusal}");
        }
    }
}
