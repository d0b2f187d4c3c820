//! A served box with clients of every role, over real TLS and a real unix socket, and its audit log.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_access::pki::{Pki, PkiNames};
use repute_access::{
    Access, Audit, AuditConfig, Binding, Bindings, BindingsConfig, Clock, Keys, LiveTls, RateConfig, Rates,
    Role, TlsFiles, verify_all,
};
use repute_proto::v1;
use repute_server::{Security, TlsDoor, serve_secured};
use serde_json::Value;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::common::{Plan, Rig};

/// A served box with a CA of its own: one client for each role, and `stranger` that nobody has bound.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub rig: Rig,
    pub address: SocketAddr,
}

impl Site {
    pub async fn start() -> Self {
        Self::of(Plan::default()).await
    }

    /// One that is built so.
    pub async fn of(plan: Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let names = PkiNames {
            trust_domain: "example.org".into(),
            dns: vec!["localhost".into()],
            ips: vec!["127.0.0.1".parse().unwrap()],
            clients: Role::ALL.map(|role| (role, "one".to_owned())).into(),
        };
        let pki = Pki::init(dir.path(), &names, SystemTime::now()).unwrap();
        pki.issue(Role::Viewer, "stranger", SystemTime::now()).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(10 * 365 * 86_400);
        pki.issue(Role::Admin, "expired", long_ago).unwrap();
        let revoked = pki.issue(Role::Admin, "revoked", SystemTime::now()).unwrap();
        pki.revoke(&revoked.certificate, SystemTime::now()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let security = security(dir.path(), listener);
        let (rig, socket) = (plan.start(), dir.path().join("repute.sock"));
        let hub = rig.hub.clone();
        tokio::spawn(
            async move { serve_secured(hub, &socket, security, std::future::pending()).await.unwrap() },
        );
        Self { dir, rig, address }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pem(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// TLS as this client, or without any certificate.
    pub async fn tls(&self, client: Option<&str>) -> Result<Channel, tonic::transport::Error> {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.pem("ca.pem")));
        let tls = match client {
            Some(name) => tls.identity(Identity::from_pem(
                self.pem(&format!("{name}.pem")),
                self.pem(&format!("{name}.key")),
            )),
            None => tls,
        };
        let endpoint = Endpoint::try_from(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await
    }

    pub async fn role(&self, role: Role) -> Channel {
        self.tls(Some(&format!("{role}-one"))).await.unwrap()
    }

    /// The unix socket.
    pub async fn local(&self) -> Channel {
        let endpoint = Endpoint::try_from(format!("unix:{}", self.file("repute.sock").display())).unwrap();
        loop {
            if let Ok(channel) = endpoint.connect().await {
                return channel;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The lines of the audit log so far, while it is written.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file("audit.jsonl")).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of the audit log, which is unbroken and which nobody writes now.
    pub fn audit(&self) -> Vec<Value> {
        let lines = self.lines();
        assert_eq!(verify_all(&self.file("audit.jsonl")).unwrap().entries, lines.len() as u64);
        lines
    }
}

fn security(folder: &Path, listener: std::net::TcpListener) -> Security {
    let mut bind: Vec<_> = Role::ALL
        .iter()
        .map(|role| Binding { identity: format!("spiffe://example.org/{role}/one"), role: *role })
        .collect();
    for dead in ["expired", "revoked"] {
        bind.push(Binding { identity: format!("spiffe://example.org/admin/{dead}"), role: Role::Admin });
    }
    let own = rustix::process::getuid().as_raw();
    let bindings = Bindings::new(&BindingsConfig { bind, ..BindingsConfig::default() }, own).unwrap();
    let keys = Arc::new(Keys::open(&folder.join("keys.toml"), Clock::system()).unwrap());
    let rates = Rates::new(RateConfig { requests_per_s: 100_000, burst: 100_000 }).unwrap();
    let audit = AuditConfig { path: folder.join("audit.jsonl"), ..AuditConfig::default() };
    let files = TlsFiles {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: folder.join("ca.pem"),
        crl: Some(folder.join("crl.pem")),
    };
    Security {
        access: Access::new(bindings, keys, rates),
        audit: Some(Audit::open(audit, Clock::system()).unwrap()),
        tls: Some(TlsDoor { listener, live: LiveTls::open(files, Clock::system()).unwrap() }),
    }
}

/// Calls any method with an empty message; how it answers.
pub async fn call(channel: &Channel, method: &str) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::try_from(method.to_owned()).unwrap();
    let codec = tonic_prost::ProstCodec::<v1::GetStatusRequest, v1::GetStatusRequest>::default();
    // Streams answer with their beginning: what follows is not waited for.
    client.server_streaming(Request::new(v1::GetStatusRequest {}), path, codec).await.map(drop)
}
