//! The syslog sinks: RFC 5424 messages over a [`Link`] that is opened again when it breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Feed;
use super::link::{Link, Way};
use crate::event::Event;
use crate::format::rfc5424::{Header, message};

/// How long is waited before the receiver is tried again: doubled from the first to the last.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Largest payload of a UDP datagram over IPv4.
pub const DATAGRAM_MAX: usize = 65_507;
/// Largest message over TCP and TLS in bytes; events are far smaller.
pub const FRAME_MAX: usize = 1 << 20;

/// What a network sink needs beside its feed.
pub struct Sender {
    to: String,
    way: Way,
    header: Header,
    max_bytes: usize,
}

impl Sender {
    /// A sender of messages of at most `max_bytes`; nothing is opened yet.
    pub fn new(to: &str, way: Way, facility: u8, max_bytes: usize) -> Self {
        let header = Header { facility, process: std::process::id() };
        Self { to: to.to_owned(), way, header, max_bytes }
    }

    /// Sends until the bus is gone.
    pub async fn run(self, mut feed: Feed) {
        let mut link = None;
        while let Some(event) = feed.subscription.next().await {
            if feed.wants(&event) {
                self.deliver(&mut feed, &mut link, event).await;
            }
        }
    }

    /// Sends one event, however long that takes: what comes meanwhile waits in the queue.
    async fn deliver(&self, feed: &mut Feed, link: &mut Option<Link>, event: Arc<Event>) {
        let Some(message) = message(&event, self.header, feed.config.format, self.max_bytes) else {
            feed.lost();
            return;
        };
        let mut wait = BACK_OFF.0;
        loop {
            match self.attempt(link, &message).await {
                Ok(()) => return feed.delivered(),
                Err(error) => feed.fails(&format_args!("{}: {error}", self.to)),
            }
            sleep(wait).await;
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    /// Sends over the open link; where there is none, or it turns out to be broken, over a new one.
    async fn attempt(&self, link: &mut Option<Link>, message: &str) -> std::io::Result<()> {
        if let Some(mut open) = link.take()
            && open.send(message).await.is_ok()
        {
            *link = Some(open);
            return Ok(());
        }
        let mut open = self.way.open(&self.to).await?;
        open.send(message).await?;
        *link = Some(open);
        Ok(())
    }
}
