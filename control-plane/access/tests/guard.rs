//! The guard before a service: what it takes out of a request and what it puts in.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::convert::Infallible;
use std::sync::Arc;

use common::{Hands, NUDGE, STATUS, access};
use http::{Request, Response};
use repute_access::{Access, BindingsConfig, Caller, Grant, NewKey, Purpose, RateConfig, Role, Transport};
use tokio::net::UnixStream;
use tonic::body::Body;
use tonic::transport::server::Connected;
use tonic::{Code, Status};
use tower::{Layer, ServiceExt, service_fn};

fn request(method: &str, headers: &[&str]) -> Request<Body> {
    let mut request = Request::builder().uri(method);
    for header in headers {
        request = request.header("authorization", *header);
    }
    let mut request = request.body(Body::default()).unwrap();
    request.extensions_mut().insert(UnixStream::pair().unwrap().0.connect_info());
    request
}

/// Sends it through the guard to a service that answers with the caller it saw.
async fn send(access: &Arc<Access>, request: Request<Body>) -> Result<Caller, Status> {
    let service = service_fn(|request: Request<Body>| async move {
        assert!(!request.headers().contains_key("authorization"), "no method sees a key");
        let mut response = Response::<Body>::default();
        response.extensions_mut().insert(request.extensions().get::<Caller>().unwrap().clone());
        Ok::<_, Infallible>(response)
    });
    let response = access.layer().layer(service).oneshot(request).await.unwrap();
    let caller = response.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::from_header_map(response.headers()).unwrap())
}

fn box_of(dir: &tempfile::TempDir) -> Arc<Access> {
    access(dir.path(), &BindingsConfig::default(), RateConfig::default(), Hands::default().clock())
}

fn key(access: &Access, grant: Grant) -> String {
    let wanted = NewKey { grant, label: String::new(), expires: None, uses: None };
    format!("Bearer {}", access.keys().issue(wanted).unwrap().1.reveal())
}

#[tokio::test]
async fn by_the_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let caller = send(&box_of(&dir), request(STATUS, &[])).await.unwrap();
    let uid = match caller.transport() {
        Transport::Unix { uid, pid } => {
            assert_eq!(*pid, Some(std::process::id().cast_signed()));
            *uid
        }
        other => panic!("{other}"),
    };
    assert_eq!(caller.identity().to_string(), format!("uid:{uid}"));
    assert_eq!(caller.role(), Some(if uid == 0 { Role::Admin } else { Role::Viewer }));
}

#[tokio::test]
async fn with_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let access = box_of(&dir);
    let caller = send(&access, request(STATUS, &[&key(&access, Grant::Role(Role::Viewer))])).await.unwrap();
    assert!(caller.identity().to_string().starts_with("key:"));
    assert_eq!(caller.role(), Some(Role::Viewer));
    let (mine, other) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
    assert!(!caller.may_lift(mine));
    let token = key(&access, Grant::Purpose(Purpose::Lift(mine)));
    let caller = send(&access, request(NUDGE, &[&token])).await.unwrap();
    assert_eq!(caller.role(), None);
    assert!(caller.may_lift(mine) && !caller.may_lift(other));
    let operator = key(&access, Grant::Role(Role::Operator)).replace("Bearer", "bearer");
    let caller = send(&access, request(NUDGE, &[&operator])).await.unwrap();
    assert!(caller.may_lift(mine) && caller.may_lift(other));
}

#[tokio::test]
async fn what_is_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let access = box_of(&dir);
    let good = key(&access, Grant::Role(Role::Viewer));
    for headers in [&[""][..], &["Basic eDp5"], &["Bearer"], &["Bearer x"], &[&good, &good], &["\u{e9}"]] {
        let refused = send(&access, request(STATUS, headers)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{headers:?}");
    }
    assert_eq!(access.counts().unauthenticated, 6);
}

#[tokio::test]
async fn from_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let access = box_of(&dir);
    // Even with a key: plain TCP names nobody.
    let mut request = request(STATUS, &[&key(&access, Grant::Role(Role::Admin))]);
    request.extensions_mut().clear();
    let refused = send(&access, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("nobody is known at the other end"), "{refused}");
}
