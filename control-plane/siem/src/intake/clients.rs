//! Connections that send records.
//!
//! **Always holds:** at most so many at once. A newcomer always gets in: where all places are taken, the
//! connection that has been without a whole record for longest gives way, so that a thousand connections that
//! say nothing, or a byte a minute, keep nobody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::frames::Frames;
use super::{Counts, Output};

/// Bytes read from a connection at once.
const READ: usize = 16 << 10;
/// After how long without a whole record a connection is ended.
pub const IDLE_MAX: Duration = Duration::from_secs(3600);

/// Every connection of one input.
#[derive(Clone, Debug)]
pub struct Clients {
    output: Output,
    max: usize,
    places: Arc<Mutex<Places>>,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    taken: HashMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    last_record: Instant,
    /// `None` for the moment between taking the place and having a task.
    task: Option<AbortHandle>,
}

impl Clients {
    pub fn new(output: Output, max: usize) -> Self {
        Self { output, max: max.max(1), places: Arc::default() }
    }

    /// Serves a connection, with a task of its own.
    pub fn add<S: AsyncRead + Send + Unpin + 'static>(&self, stream: S, from: String, frames: Frames) {
        let mut places = self.places();
        while places.taken.len() >= self.max {
            places.evict();
            Counts::add(&self.output.counts.evicted);
        }
        let number = places.next;
        places.next += 1;
        places.taken.insert(number, Place { last_record: Instant::now(), task: None });
        let clients = self.clone();
        let task = tokio::spawn(async move {
            clients.serve(number, stream, &from, frames).await;
            clients.places().taken.remove(&number);
        });
        if let Some(place) = places.taken.get_mut(&number) {
            place.task = Some(task.abort_handle());
        }
    }

    /// Where their records go.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// How many there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.places().taken.len()
    }

    async fn serve<S: AsyncRead + Unpin>(&self, number: u64, mut stream: S, from: &str, mut frames: Frames) {
        let mut buffer = vec![0; READ];
        let mut ends = Instant::now() + IDLE_MAX;
        loop {
            let read = match timeout_at(ends, stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(read)) => read,
                Err(_) => return Counts::add(&self.output.counts.evicted),
            };
            let (mut found, mut records) = (Vec::new(), 0);
            frames.push(&buffer[..read], |record| {
                records += 1;
                found.extend(self.output.read(record, &from));
            });
            for received in found {
                if !self.output.send(received).await {
                    return;
                }
            }
            if records > 0 {
                ends = Instant::now() + IDLE_MAX;
                if let Some(place) = self.places().taken.get_mut(&number) {
                    place.last_record = Instant::now();
                }
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Ends the connection that has been without a whole record for longest.
    fn evict(&mut self) {
        let idle = self.taken.iter().min_by_key(|(number, place)| (place.last_record, **number));
        let Some(number) = idle.map(|(number, _)| *number) else { return };
        if let Some(Place { task: Some(task), .. }) = self.taken.remove(&number) {
            task.abort();
        }
    }

    fn end(&mut self) {
        self.taken.drain().filter_map(|(_, place)| place.task).for_each(|task| task.abort());
    }
}

/// Ends every connection when the listener ends.
#[derive(Debug)]
pub struct EndWith(pub Clients);

impl Drop for EndWith {
    fn drop(&mut self) {
        self.0.places().end();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::sync::mpsc;

    use super::*;
    use crate::alert::parse_line;
    use crate::intake::Received;

    const CEF: &[u8] = b"<1>CEF:0|v|p|1|7|n|5|src=192.0.2.1 dst=192.0.2.2\n";

    fn clients(max: usize) -> (Clients, mpsc::Receiver<Received>) {
        let (sender, receiver) = mpsc::channel(16);
        (Clients::new(Output::new("test", parse_line, sender), max), receiver)
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_slow_clients_keep_nobody_out() {
        let (clients, mut alerts) = clients(64);
        let (mut good, end) = duplex(1024);
        clients.add(end, "good".to_owned(), Frames::syslog());
        let mut slow = Vec::new();
        for n in 0..1000 {
            let (mut one, end) = duplex(1024);
            clients.add(end, format!("slow {n}"), Frames::syslog());
            one.write_all(b"<").await.unwrap();
            tokio::time::advance(Duration::from_secs(1)).await;
            // The good one sends a record now and then, and keeps its place by that.
            if n % 32 == 0 {
                good.write_all(CEF).await.unwrap();
                assert_eq!(alerts.recv().await.unwrap().alert.signature, Some(7), "{n}");
            }
            slow.push(one);
            assert!(clients.len() <= 64);
        }
        assert_eq!(clients.output.counts.get().evicted, 1001 - 64);

        let (mut newcomer, end) = duplex(1024);
        clients.add(end, "newcomer".to_owned(), Frames::syslog());
        newcomer.write_all(CEF).await.unwrap();
        assert!(alerts.recv().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_minute_is_no_record() {
        let (clients, _alerts) = clients(4);
        let (mut one, end) = duplex(1024);
        clients.add(end, "slow".to_owned(), Frames::syslog());
        for _ in 0..59 {
            one.write_all(b"<").await.unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(clients.len(), 1);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(clients.len(), 0);
        assert!(one.write_all(b"<").await.is_err());
    }

    #[tokio::test]
    async fn nobody_is_served_once_the_listener_is_gone() {
        let (clients, _alerts) = clients(4);
        let end_with = EndWith(clients.clone());
        let (mut one, end) = duplex(1024);
        clients.add(end, "one".to_owned(), Frames::syslog());
        drop(end_with);
        tokio::task::yield_now().await;
        assert!(one.write_all(b"<").await.is_err());
        assert_eq!(clients.len(), 0);
    }
}
