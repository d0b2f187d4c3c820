//! Service `Access`: keys and tokens.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use repute_access::{Grant, KeyId, KeyInfo, KeysError, NewKey, Purpose, Role};
use repute_proto::v1;
use repute_proto::v1::access_server::Access as Service;
use tonic::{Request, Response, Status};

use super::Api;
use super::audited::{Asked, Changed};
use super::convert::unix_ms;

/// Longest life of a token in seconds: a year.
const TOKEN_MAX_S: u64 = 365 * 86_400;
/// Longest life of a key in seconds: what is longer is as good as for ever.
const KEY_MAX_S: u64 = 100 * TOKEN_MAX_S;

#[tonic::async_trait]
impl Service for Api {
    async fn issue_key(
        &self,
        request: Request<v1::IssueKeyRequest>,
    ) -> Result<Response<v1::IssuedKey>, Status> {
        let v1::IssueKeyRequest { role, label, valid_s } = request.get_ref().clone();
        let asked = Asked::by(&request, "/repute.v1.Access/IssueKey", format!("{role} {label}"));
        let api = self.clone();
        let issue = async move {
            let named = Role::ALL.into_iter().find(|one| one.name() == role);
            let role = named.ok_or_else(|| {
                Status::invalid_argument(format!(
                    "`{role}` is no role; expected viewer, operator, admin or peer"
                ))
            })?;
            let expires = (valid_s > 0).then(|| after(valid_s.min(KEY_MAX_S)));
            api.issue(NewKey { grant: Grant::Role(role), label, expires, uses: None }).await
        };
        self.audited(asked, issue).await.map(Response::new)
    }

    async fn issue_token(
        &self,
        request: Request<v1::IssueTokenRequest>,
    ) -> Result<Response<v1::IssuedKey>, Status> {
        let v1::IssueTokenRequest { source, label, valid_s, uses } = request.get_ref().clone();
        let asked = Asked::by(&request, "/repute.v1.Access/IssueToken", format!("lift {source} {label}"));
        let api = self.clone();
        let issue = async move {
            if !(1..=TOKEN_MAX_S).contains(&valid_s) {
                let message = format!("a token is good for 1 to {TOKEN_MAX_S} seconds, not for {valid_s}");
                return Err(Status::invalid_argument(message));
            }
            let source = api.hub.locate(super::scores::source(&source)?).await?;
            let uses = Some(NonZeroU32::new(uses).unwrap_or(NonZeroU32::MIN));
            let grant = Grant::Purpose(Purpose::Lift(source));
            api.issue(NewKey { grant, label, expires: Some(after(valid_s)), uses }).await
        };
        self.audited(asked, issue).await.map(Response::new)
    }

    async fn list_keys(
        &self,
        _: Request<v1::ListKeysRequest>,
    ) -> Result<Response<v1::ListKeysResponse>, Status> {
        let keys = self.access.keys().list().iter().map(key).collect();
        Ok(Response::new(v1::ListKeysResponse { keys }))
    }

    async fn revoke(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::RevokeResponse>, Status> {
        let id = request.get_ref().id.clone();
        let asked = Asked::by(&request, "/repute.v1.Access/Revoke", id.clone());
        let keys = self.access.keys().clone();
        let revoke = async move {
            let named: KeyId = id.parse().map_err(|_| {
                Status::invalid_argument(format!(
                    "`{id}` is no id of a key: 16 digits, see `repute key list`"
                ))
            })?;
            let known = keys.list().into_iter().find(|info| info.id == named);
            let revoked = tokio::task::spawn_blocking(move || keys.revoke(named)).await;
            if !revoked.map_err(|_| Status::internal("revoking failed"))?.map_err(refused)? {
                return Err(Status::not_found(format!("there is no key {id}; see `repute key list`")));
            }
            let answer = v1::RevokeResponse { id: named.to_string() };
            Ok(Changed { answer, before: known.as_ref().map(described), after: None })
        };
        self.audited(asked, revoke).await.map(Response::new)
    }
}

impl Api {
    async fn issue(&self, wanted: NewKey) -> Result<Changed<v1::IssuedKey>, Status> {
        let keys = self.access.keys().clone();
        let issued = tokio::task::spawn_blocking(move || keys.issue(wanted)).await;
        let (info, secret) = issued.map_err(|_| Status::internal("issuing failed"))?.map_err(refused)?;
        let answer = v1::IssuedKey { key: Some(key(&info)), text: secret.reveal().to_owned() };
        Ok(Changed::to(described(&info), answer))
    }
}

fn after(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

/// What the audit log has of a key.
fn described(info: &KeyInfo) -> String {
    format!("key {}: {}", info.id, info.grant)
}

fn key(info: &KeyInfo) -> v1::Key {
    let (role, lifts) = match info.grant {
        Grant::Role(role) => (role.to_string(), String::new()),
        Grant::Purpose(Purpose::Lift(source)) => (String::new(), source.to_string()),
    };
    v1::Key {
        id: info.id.to_string(),
        role,
        lifts,
        label: info.label.clone(),
        created_unix_ms: unix_ms(info.created),
        expires_unix_ms: info.expires.map(unix_ms),
        uses_left: info.uses_left.map(NonZeroU32::get),
    }
}

fn refused(error: KeysError) -> Status {
    let text = error.to_string();
    match error {
        KeysError::Label | KeysError::Expired => Status::invalid_argument(text),
        KeysError::Full => Status::resource_exhausted(text),
        KeysError::NoFile => Status::failed_precondition(text),
        _ => Status::internal(text),
    }
}
