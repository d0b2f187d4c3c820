//! The role matrix: every method of the API with every role, through the guard.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use common::{Hands, access};
use http::{Request, Response};
use repute_access::{Access, Binding, BindingsConfig, Caller, RateConfig, Role, permissions};
use tokio::net::UnixStream;
use tonic::body::Body;
use tonic::transport::server::{Connected, UdsConnectInfo};
use tonic::{Code, Status};
use tower::{Layer, ServiceExt, service_fn};

/// Methods that change what traffic gets. All others only show something.
const CHANGES: [&str; 10] = [
    "Nudge",
    "Apply",
    "Confirm",
    "Rollback",
    "Refresh",
    "Push",
    "Alert",
    "Acknowledge",
    "AddHoneypots",
    "RemoveHoneypots",
];
/// Methods that change or show who may do what.
const ADMINS: [&str; 4] = ["IssueKey", "IssueToken", "ListKeys", "Revoke"];
/// Methods that only show something.
const SHOWS: [&str; 13] = [
    "Get",
    "List",
    "Watch",
    "Explain",
    "Show",
    "History",
    "Diff",
    "Subscribe",
    "Incidents",
    "Top",
    "Cache",
    "Honeypots",
    "ServerReflectionInfo",
];

/// The other end of a unix socket: this process.
fn own() -> UdsConnectInfo {
    UnixStream::pair().unwrap().0.connect_info()
}

/// One where this process' user has the role.
fn with_role(folder: &Path, role: Role) -> Arc<Access> {
    let uid = own().peer_cred.unwrap().uid();
    let bind = vec![Binding { identity: format!("uid:{uid}"), role }];
    let rate = RateConfig { requests_per_s: 1_000_000, burst: 1_000_000 };
    access(folder, &BindingsConfig { bind, ..BindingsConfig::default() }, rate, Hands::default().clock())
}

/// Calls a method by the unix socket; the caller that it would have seen.
async fn call(access: &Arc<Access>, method: &str) -> Result<Caller, Status> {
    let service = service_fn(|request: Request<Body>| async move {
        let mut response = Response::<Body>::default();
        response.extensions_mut().insert(request.extensions().get::<Caller>().unwrap().clone());
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::builder().uri(method).body(Body::default()).unwrap();
    request.extensions_mut().insert(own());
    let response = access.layer().layer(service).oneshot(request).await.unwrap();
    let caller = response.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::from_header_map(response.headers()).unwrap())
}

fn all_methods() -> Vec<String> {
    let mut methods = permissions::methods(repute_proto::DESCRIPTORS).unwrap();
    methods.extend(permissions::methods(tonic_health::pb::FILE_DESCRIPTOR_SET).unwrap());
    for version in ["v1", "v1alpha"] {
        methods.push(format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"));
    }
    methods
}

#[test]
fn every_method_is_listed() {
    for descriptors in [repute_proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET] {
        let unlisted = permissions::unlisted(descriptors).unwrap();
        assert!(unlisted.is_empty(), "add a line each to permissions.rs: {unlisted:#?}");
    }
}

#[tokio::test]
async fn every_method_with_every_role() {
    let dir = tempfile::tempdir().unwrap();
    let methods = all_methods();
    assert!(methods.len() > 15, "{methods:?}");
    for role in Role::ALL {
        let access = with_role(dir.path(), role);
        let mut refused = 0;
        for method in &methods {
            let verb = method.rsplit('/').next().unwrap();
            let expected = if method.starts_with("/grpc.health.v1.") {
                true
            } else if CHANGES.contains(&verb) {
                matches!(role, Role::Operator | Role::Admin)
            } else if ADMINS.contains(&verb) {
                role == Role::Admin
            } else if SHOWS.contains(&verb) {
                role != Role::Peer
            } else {
                panic!("{method}: say in CHANGES or SHOWS what it does")
            };
            match call(&access, method).await {
                Ok(caller) => {
                    assert!(expected, "{role} called {method}");
                    assert_eq!(caller.role(), Some(role));
                }
                Err(status) => {
                    assert!(!expected, "{role} may not call {method}: {status}");
                    assert_eq!(status.code(), Code::PermissionDenied);
                    assert!(status.message().contains("needs the role"), "{status}");
                    refused += 1;
                }
            }
        }
        let counts = access.counts();
        assert_eq!((counts.denied, counts.admitted), (refused, methods.len() as u64 - refused));
    }
}

#[tokio::test]
async fn methods_that_are_not_listed() {
    let dir = tempfile::tempdir().unwrap();
    let admin = with_role(dir.path(), Role::Admin);
    for method in ["/", "/x.y/Z", "/repute.v1.Policies/apply", "/repute.v1.Policies/Apply/"] {
        let status = call(&admin, method).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{method}");
    }
    let long = format!("/{}", "x".repeat(60_000));
    assert!(call(&admin, &long).await.unwrap_err().message().len() < 200);
}

#[tokio::test]
async fn roles_change_under_open_connections() {
    let dir = tempfile::tempdir().unwrap();
    let access = with_role(dir.path(), Role::Operator);
    call(&access, common::APPLY).await.unwrap();
    let nobody = BindingsConfig {
        socket: repute_access::SocketConfig { owner: None, group: None },
        ..BindingsConfig::default()
    };
    access.bind(repute_access::Bindings::new(&nobody, 0).unwrap());
    let status = call(&access, common::APPLY).await.unwrap_err();
    assert!(status.message().contains("has no role here"), "{status}");
}
