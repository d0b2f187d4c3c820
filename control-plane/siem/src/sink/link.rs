//! The way to a syslog receiver: a UDP socket, a TCP or a TLS connection.

use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long connecting, shaking hands, or sending one message may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How to get to a receiver.
pub enum Way {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection to a receiver of this name.
    Tls(Box<(TlsConnector, ServerName<'static>)>),
}

/// A way that is open.
pub enum Link {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Way {
    /// Opens the way to `host:port`.
    pub async fn open(&self, to: &str) -> io::Result<Link> {
        within(async {
            Ok(match self {
                Self::Udp => Link::Udp(udp(to).await?),
                Self::Tcp => Link::Tcp(TcpStream::connect(to).await?),
                Self::Tls(tls) => {
                    let (connector, name) = &**tls;
                    let stream = TcpStream::connect(to).await?;
                    Link::Tls(Box::new(connector.connect(name.clone(), stream).await?))
                }
            })
        })
        .await
    }
}

async fn udp(to: &str) -> io::Result<UdpSocket> {
    let to = lookup_host(to).await?.next();
    let to = to.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
    let socket = match to.is_ipv4() {
        true => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?,
        false => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await?,
    };
    socket.connect(to).await?;
    Ok(socket)
}

impl Link {
    /// Sends one message: as a datagram, or octet-counted (RFC 6587, 3.4.1).
    ///
    /// Syslog has no acknowledgements: what a connection had taken before it broke may be lost unnoticed. A
    /// connection that the receiver has closed is noticed before the next message.
    pub async fn send(&mut self, message: &str) -> io::Result<()> {
        within(async {
            match self {
                Self::Udp(socket) => socket.send(message.as_bytes()).await.map(drop),
                Self::Tcp(stream) => counted(stream, message).await,
                Self::Tls(stream) => counted(stream, message).await,
            }
        })
        .await
    }
}

async fn counted<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, message: &str) -> io::Result<()> {
    look_for_the_end(stream).await?;
    let frame = format!("{} {message}", message.len());
    stream.write_all(frame.as_bytes()).await?;
    stream.flush().await
}

/// Receivers say nothing, so whatever can be read without waiting is the end, or noise that is dropped.
async fn look_for_the_end<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut noise = [0; 64];
    match timeout(Duration::ZERO, stream.read(&mut noise)).await {
        Ok(Ok(0)) => {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "the receiver closed the connection"))
        }
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no progress in {} s", WITHIN.as_secs()));
    timeout(WITHIN, work).await.unwrap_or_else(|_| Err(late()))
}
