//! Errors of the hub as gRPC status codes.

use tonic::{Code, Status};

use crate::HubError;

/// Longest message in bytes: messages travel in HTTP/2 headers, which clients bound at 16 KiB, and may
/// grow threefold there.
const MESSAGE_MAX: usize = 4 << 10;

impl From<HubError> for Status {
    fn from(error: HubError) -> Self {
        Self::new(code(&error), bounded(error.to_string()))
    }
}

fn code(error: &HubError) -> Code {
    match error {
        HubError::NoSource(_)
        | HubError::NoCrowd(_)
        | HubError::NoName(_)
        | HubError::NoAddress(_)
        | HubError::BadHoneypots(_)
        | HubError::Width { .. }
        | HubError::PageToken(_)
        | HubError::Policy(_) => Code::InvalidArgument,
        HubError::Busy { .. } => Code::Unavailable,
        HubError::Lagging { .. } => Code::DeadlineExceeded,
        HubError::TooManyQuestions(_)
        | HubError::TableFull { .. }
        | HubError::AlertsFull(_)
        | HubError::HoneypotsFull(_) => Code::ResourceExhausted,
        HubError::Stale { .. }
        | HubError::Unconfirmed { .. }
        | HubError::NothingToConfirm { .. }
        | HubError::NeedsRestart(_)
        | HubError::Geo(_)
        | HubError::OfAlerts
        | HubError::NoEntry(_)
        | HubError::NoDns
        | HubError::NothingKept => Code::FailedPrecondition,
        HubError::NoFeed(_)
        | HubError::NoHoneypot(_)
        | HubError::NoService(_)
        | HubError::UnknownVersion { .. }
        | HubError::NoPrevious(_) => Code::NotFound,
        HubError::ByFileOnly => Code::PermissionDenied,
        HubError::Gone | HubError::Kept(_) => Code::Internal,
    }
}

/// Cuts long messages at a line.
fn bounded(mut message: String) -> String {
    if message.len() <= MESSAGE_MAX {
        return message;
    }
    let last_line = message.lines().last().unwrap_or_default().chars().take(200).collect::<String>();
    let at = message.floor_char_boundary(MESSAGE_MAX);
    message.truncate(message[..at].rfind("\n\n").or_else(|| message[..at].rfind('\n')).unwrap_or(at));
    message.push_str("\n\n… and more; `repute policy check FILE` shows all\n");
    message.push_str(&last_line);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_at_a_line_and_keep_their_sum() {
        let long = "error: something is wrong\n\n".repeat(1000) + "x.toml: 1000 errors";
        let cut = bounded(long);
        assert!(cut.len() < MESSAGE_MAX + 300, "{}", cut.len());
        assert!(cut.ends_with("x.toml: 1000 errors"));
        assert!(cut.contains("wrong\n\n…"), "cut between two messages");
        assert_eq!(bounded("short".into()), "short");
        assert!(bounded("ü".repeat(10_000)).len() < MESSAGE_MAX + 700);
    }
}
