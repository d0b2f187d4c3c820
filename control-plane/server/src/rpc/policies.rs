//! Service `Policies`.

use std::time::Duration;

use repute_access::Caller;
use repute_proto::v1;
use repute_proto::v1::policies_server::Policies as Service;
use tonic::{Request, Response, Status};

use super::Api;
use super::audited::{Asked, Changed};
use super::convert::{changes, hex, unix_ms, version};
use crate::{Applied, ApplyRequest, HISTORY_MAX, RollbackRequest};

/// Characters of names that are kept.
const NAME_MAX: usize = 200;

#[tonic::async_trait]
impl Service for Api {
    async fn apply(&self, request: Request<v1::ApplyRequest>) -> Result<Response<v1::Applied>, Status> {
        let asked =
            Asked::by(&request, "/repute.v1.Policies/Apply", named(&request.get_ref().name, "policy"));
        let asked = asked.from(self.hub.policy_in_force().await);
        let who = who(&request, &request.get_ref().who);
        let request = request.into_inner();
        let wanted = ApplyRequest {
            text: request.text,
            name: named(&request.name, "policy"),
            who,
            expected_version: request.expected_version,
            confirm_within: window(request.confirm_within_s),
            own_file: false,
        };
        let api = self.clone();
        let apply = async move { Ok(api.changed(api.hub.apply(wanted).await?)) };
        self.audited(asked, apply).await.map(Response::new)
    }

    async fn confirm(
        &self,
        request: Request<v1::ConfirmRequest>,
    ) -> Result<Response<v1::ConfirmResponse>, Status> {
        let version = request.get_ref().version;
        let asked = Asked::by(&request, "/repute.v1.Policies/Confirm", format!("policy version {version}"));
        let hub = self.hub.clone();
        let confirm = async move {
            let version = hub.confirm(version).await?;
            Ok(Changed::to(format!("version {version} stays"), v1::ConfirmResponse { version }))
        };
        self.audited(asked, confirm).await.map(Response::new)
    }

    async fn show(&self, request: Request<v1::ShowRequest>) -> Result<Response<v1::PolicyVersion>, Status> {
        Ok(Response::new(version(&self.hub.show(request.get_ref().version).await?, true)))
    }

    async fn history(
        &self,
        request: Request<v1::HistoryRequest>,
    ) -> Result<Response<v1::HistoryResponse>, Status> {
        let max = match request.get_ref().max {
            0 => HISTORY_MAX,
            max => max as usize,
        };
        let versions = self.hub.history(max).await?;
        let versions = versions.iter().map(|info| version(info, false)).collect();
        Ok(Response::new(v1::HistoryResponse { versions }))
    }

    async fn rollback(&self, request: Request<v1::RollbackRequest>) -> Result<Response<v1::Applied>, Status> {
        let object = format!("policy version {}", request.get_ref().version);
        let asked = Asked::by(&request, "/repute.v1.Policies/Rollback", object);
        let asked = asked.from(self.hub.policy_in_force().await);
        let who = who(&request, &request.get_ref().who);
        let request = request.into_inner();
        let wanted = RollbackRequest {
            version: request.version,
            who,
            expected_version: request.expected_version,
            confirm_within: window(request.confirm_within_s),
        };
        let api = self.clone();
        let roll_back = async move { Ok(api.changed(api.hub.rollback(wanted).await?)) };
        self.audited(asked, roll_back).await.map(Response::new)
    }

    async fn diff(&self, request: Request<v1::DiffRequest>) -> Result<Response<v1::DiffResponse>, Status> {
        let v1::DiffRequest { from_version, to, name } = request.into_inner();
        let differ = match to {
            Some(v1::diff_request::To::ToVersion(to)) => self.hub.diff_versions(from_version, to).await?,
            Some(v1::diff_request::To::ToText(text)) => {
                self.hub.diff_text(from_version, named(&name, "policy"), text).await?
            }
            None => {
                return Err(Status::invalid_argument("nothing to compare with: set to_version or to_text"));
            }
        };
        Ok(Response::new(v1::DiffResponse { changes: changes(differ) }))
    }
}

impl Api {
    fn changed(&self, applied: Applied) -> Changed<v1::Applied> {
        let after = format!("version {}, sha256 {}", applied.version, hex(&applied.digest));
        Changed::to(after, self.applied(applied))
    }

    fn applied(&self, applied: Applied) -> v1::Applied {
        v1::Applied {
            version: applied.version,
            digest: hex(&applied.digest),
            changes: changes(applied.changes),
            lagging: applied.lagging.into_iter().map(u32::from).collect(),
            workers: self.hub.workers().into(),
            confirm_until_unix_ms: applied.confirm_until.map(unix_ms),
            unchanged: applied.unchanged,
        }
    }
}

fn window(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// For the history: who it is, and who they say they are.
fn who<T>(request: &Request<T>, said: &str) -> String {
    let identity = request.extensions().get::<Caller>().map(|caller| caller.identity().to_string());
    let identity = identity.unwrap_or_else(|| "somebody".to_owned());
    let said = named(said, "");
    if said.is_empty() { identity } else { format!("{said} ({identity})") }
}

fn named(name: &str, otherwise: &str) -> String {
    let name = if name.is_empty() { otherwise } else { name };
    name.chars().take(NAME_MAX).collect()
}
