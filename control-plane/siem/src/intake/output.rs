//! From records to the daemon's channel.

use std::sync::Arc;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::{Counts, Received};
use crate::alert::{Alert, AlertError};

/// How a record is read.
pub type Parse = fn(&[u8]) -> Result<Option<Alert>, AlertError>;

/// An input's way out.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub input: Arc<str>,
    pub parse: Parse,
    pub counts: Arc<Counts>,
    pub alerts: mpsc::Sender<Received>,
}

impl Output {
    pub fn new(input: &str, parse: Parse, alerts: mpsc::Sender<Received>) -> Self {
        Self { input: input.into(), parse, counts: Arc::default(), alerts }
    }

    /// The alert in a record (`None` = one that was too long), if there is one; `place` says where it stood.
    pub fn read(&self, record: Option<&[u8]>, place: &dyn std::fmt::Display) -> Option<Received> {
        let Some(record) = record else {
            Counts::add(&self.counts.too_long);
            self.counts.error(&format_args!("{place}: a record of more than {} bytes", crate::RECORD_MAX));
            return None;
        };
        match (self.parse)(record) {
            Ok(Some(alert)) => return Some(Received { input: Arc::clone(&self.input), alert }),
            Ok(None) => Counts::add(&self.counts.other),
            Err(error) => {
                Counts::add(&self.counts.bad);
                self.counts.error(&format_args!("{place}: {error}"));
            }
        }
        None
    }

    /// Hands an alert on when there is room; whether there still is somebody who takes it.
    pub async fn send(&self, received: Received) -> bool {
        let sent = self.alerts.send(received).await.is_ok();
        if sent {
            Counts::add(&self.counts.alerts);
        }
        sent
    }

    /// Hands an alert on if there is room; whether there still is somebody who takes it.
    pub fn offer(&self, received: Received) -> bool {
        match self.alerts.try_send(received) {
            Ok(()) => Counts::add(&self.counts.alerts),
            Err(TrySendError::Full(_)) => Counts::add(&self.counts.dropped),
            Err(TrySendError::Closed(_)) => return false,
        }
        true
    }
}
