//! A box's API on loopback with certificates of its own, on a clock that the test moves.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests are tests; each uses some")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper_util::rt::TokioIo;
use repute_access::pki::{IssuedFiles, Pki, PkiNames};
use repute_access::{
    Access, Binding, Bindings, BindingsConfig, Clock, Keys, LiveTls, RateConfig, Rates, Role, TlsCounts,
    TlsFiles, TlsIncoming, TlsLimits,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Server, Uri};
use tonic::{Code, Request, Status};

/// 2026-11-29 08:00 UTC.
pub const BEGIN: u64 = 1_795_939_200;
pub const DAY: u64 = 24 * 3600;

/// A clock that the test moves.
#[derive(Clone)]
pub struct Hands(Arc<AtomicU64>);

impl Default for Hands {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(BEGIN)))
    }
}

impl Hands {
    pub fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || hands.now())
    }

    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    pub fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// So many days after (or before) the begin.
pub fn days(days: i64) -> SystemTime {
    let span = Duration::from_secs(days.unsigned_abs() * DAY);
    let begin = UNIX_EPOCH + Duration::from_secs(BEGIN);
    if days < 0 { begin - span } else { begin + span }
}

pub fn names() -> PkiNames {
    PkiNames {
        trust_domain: "example.org".into(),
        dns: vec!["localhost".into()],
        ips: vec!["127.0.0.1".parse().unwrap()],
        clients: vec![(Role::Operator, "alice".into()), (Role::Viewer, "victor".into())],
    }
}

/// Every role by its path, as the documents advise.
pub fn by_role() -> BindingsConfig {
    let bind = Role::ALL.map(|role| Binding { identity: format!("spiffe://example.org/{role}/*"), role });
    BindingsConfig { bind: bind.into(), ..BindingsConfig::default() }
}

/// An [`Access`] whose keys are in the folder.
pub fn access(folder: &Path, bindings: &BindingsConfig, rate: RateConfig, clock: Clock) -> Arc<Access> {
    let keys = Arc::new(Keys::open(&folder.join("keys.toml"), clock).unwrap());
    // Nobody's uid here, so that root alone is the owner.
    let bindings = Bindings::new(bindings, u32::MAX).unwrap();
    Access::new(bindings, keys, Rates::new(rate).unwrap())
}

/// A box.
pub struct Site {
    pub dir: TempDir,
    pub hands: Hands,
    pub pki: Pki,
    pub live: Arc<LiveTls>,
    pub access: Arc<Access>,
    pub address: SocketAddr,
    pub counts: Box<dyn Fn() -> TlsCounts>,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(TlsLimits::default(), RateConfig::default()).await
    }

    pub async fn with(limits: TlsLimits, rate: RateConfig) -> Self {
        let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
        let pki = Pki::init(dir.path(), &names(), hands.now()).unwrap();
        let live = LiveTls::open(files(dir.path()), hands.clock()).unwrap();
        let access = access(dir.path(), &by_role(), rate, hands.clock());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = TlsIncoming::new(listener, Arc::clone(&live), limits);
        let counts = Box::new(incoming.counts());
        let (_, health) = tonic_health::server::health_reporter();
        let server = Server::builder().layer(access.layer()).add_service(health);
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { dir, hands, pki, live, access, address, counts }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Files that the CA has issued.
    pub fn issued(&self, stem: &str) -> IssuedFiles {
        IssuedFiles { certificate: self.path(&format!("{stem}.pem")), key: self.path(&format!("{stem}.key")) }
    }

    /// A client with this certificate, or with none.
    pub fn client(&self, files: Option<&IssuedFiles>) -> Client {
        Client { config: client_config(&self.path("ca.pem"), files, &self.hands), address: self.address }
    }

    /// A client that speaks TLS 1.2 and nothing newer.
    pub fn old_client(&self, files: &IssuedFiles) -> Client {
        let versions = [&rustls::version::TLS12];
        let config = client_config_of(&versions, &self.path("ca.pem"), Some(files), &self.hands);
        Client { config, address: self.address }
    }

    /// A connected client with this certificate.
    pub async fn connect(&self, stem: &str) -> Channel {
        self.client(Some(&self.issued(stem))).connect().await.unwrap()
    }

    /// Waits until the counts are so; the test runner's own limit ends a wait for ever.
    pub async fn until(&self, is_so: impl Fn(TlsCounts) -> bool) {
        while !is_so((self.counts)()) {
            tokio::task::yield_now().await;
        }
    }
}

pub fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: folder.join("ca.pem"),
        crl: Some(folder.join("crl.pem")),
    }
}

fn client_config(ca: &Path, files: Option<&IssuedFiles>, hands: &Hands) -> ClientConfig {
    client_config_of(rustls::DEFAULT_VERSIONS, ca, files, hands)
}

fn client_config_of(
    versions: &[&'static rustls::SupportedProtocolVersion],
    ca: &Path,
    files: Option<&IssuedFiles>,
    hands: &Hands,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(hands.clock()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match files {
        None => builder.with_no_client_auth(),
        Some(IssuedFiles { certificate, key }) => {
            let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

pub struct Client {
    pub config: ClientConfig,
    pub address: SocketAddr,
}

impl Client {
    /// The TLS connection alone.
    pub async fn tls(&self) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(self.config.clone())).connect(name, tcp).await
    }

    pub async fn connect(self) -> Result<Channel, tonic::transport::Error> {
        let connector = tower::service_fn(move |_: Uri| {
            let client = Client { config: self.config.clone(), address: self.address };
            async move { client.tls().await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://localhost").connect_with_connector(connector).await
    }
}

/// Calls a method without arguments.
pub async fn call(channel: &Channel, method: &'static str) -> Status {
    call_with(channel, method, None).await
}

/// The same with a key.
pub async fn call_with(channel: &Channel, method: &'static str, key: Option<&str>) -> Status {
    let mut client = tonic::client::Grpc::new(channel.clone());
    if let Err(error) = client.ready().await {
        return Status::unavailable(format!("{error:?}"));
    }
    let mut request = Request::new(());
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = client.unary(request, http::uri::PathAndQuery::from_static(method), codec).await;
    answer.map_or_else(|status| status, |_| Status::ok("answered"))
}

/// What a method answers that the guard has let through and no service here has.
pub const ADMITTED: Code = Code::Unimplemented;
pub const APPLY: &str = "/repute.v1.Policies/Apply";
pub const STATUS: &str = "/repute.v1.Status/Get";
pub const NUDGE: &str = "/repute.v1.Scores/Nudge";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";
