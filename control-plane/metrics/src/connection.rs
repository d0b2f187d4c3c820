//! Connections that cannot be many and cannot last.
//!
//! Whoever connects gets one answer. A slow sender, a reader that stops, an idle connection: all of them are over when
//! their time is, and until then they keep nobody waiting but others like them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Connections at once at most; more wait in the listener's queue.
pub const CONNECTIONS_MAX: usize = 16;

/// How long a connection may last.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(10);

/// How long to wait after the system refused to accept (no file descriptors are left, mostly).
const BREATHER: Duration = Duration::from_millis(100);

/// A listener that hands out a bounded number of connections at a time.
#[derive(Debug)]
pub struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Bounded {
    /// Hands out [`CONNECTIONS_MAX`] connections of this listener.
    pub fn new(listener: TcpListener) -> Self {
        Self::sized(listener, CONNECTIONS_MAX)
    }

    /// Hands out `connections` of this listener.
    pub fn sized(listener: TcpListener, connections: usize) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(connections)) }
    }
}

impl Listener for Bounded {
    type Io = Mortal<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                // The semaphore is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    return (Mortal::new(stream, Instant::now() + CONNECTION_LIFE, permit), peer);
                }
                Err(_) => sleep(BREATHER).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A stream that fails from some moment on.
#[derive(Debug)]
pub struct Mortal<S> {
    stream: S,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl<S> Mortal<S> {
    /// A stream that holds its permit and lives until `end`.
    pub fn new(stream: S, end: Instant, permit: OwnedSemaphorePermit) -> Self {
        Self { stream, end: Box::pin(sleep_until(end)), _permit: permit }
    }

    /// Whether there is time left; wakes the task when there is none any more.
    fn check(&mut self, context: &mut Context) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mortal<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mortal<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        self.check(context)?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_or_does_not_read_is_cut_off() {
        let permits = Arc::new(Semaphore::new(2));
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (near, far) = duplex(16);
            let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
            ends.push((Mortal::new(near, Instant::now() + CONNECTION_LIFE, permit), far));
        }
        let (mut silent, _far) = ends.pop().unwrap();
        let begun = Instant::now();
        assert_eq!(silent.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), CONNECTION_LIFE);
        let (mut stuck, _far) = ends.pop().unwrap();
        assert_eq!(stuck.write_all(&[0; 64]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop((silent, stuck));
        assert_eq!(permits.available_permits(), 2);
    }
}
