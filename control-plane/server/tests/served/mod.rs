//! A box that is served over its socket, whose config names files of its own folder.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::path::Path;

use repute_model::Rule;
use repute_proto::v1;
use repute_proto::v1::feeds_client::FeedsClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_server::ApplyRequest;
use tokio::sync::oneshot;
use tonic::transport::Channel;

use crate::common::{Plan, Rig, serve, source};

/// The box, with a client.
pub struct Served {
    pub rig: Rig,
    pub channel: Channel,
    pub dir: tempfile::TempDir,
    _end: oneshot::Sender<()>,
}

/// What stands in a config, beside its profile where it names none; `DIR` is the folder.
pub fn config(dir: &Path, text: &str) -> String {
    let profile = if text.contains("[profiles.dns]") { "" } else { "[profiles.ingress]\n" };
    format!("{profile}{}", text.replace("DIR", dir.to_str().unwrap()))
}

impl Served {
    /// A box with this config beside its profile, in a folder with these files.
    pub async fn start(text: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let rig = Plan { config: config(dir.path(), text), ..Plan::default() }.start();
        let (channel, end) = serve(&rig.hub, dir.path()).await;
        Self { rig, channel, dir, _end: end }
    }

    pub fn feeds(&self) -> FeedsClient<Channel> {
        FeedsClient::new(self.channel.clone())
    }

    pub async fn refresh(&self, name: &str) -> v1::Feed {
        let asked = v1::RefreshFeedsRequest { name: name.to_owned() };
        self.feeds().refresh(asked).await.unwrap().into_inner().feeds.remove(0)
    }

    pub async fn rule(&self, text: &str) -> Rule {
        self.rig.hub.explain(source(text)).await.unwrap().answer.rule
    }

    pub async fn explain(&self, text: &str) -> v1::Explanation {
        let asked = v1::ExplainRequest { source: text.to_owned() };
        ScoresClient::new(self.channel.clone()).explain(asked).await.unwrap().into_inner()
    }

    pub async fn apply(&self, text: &str) -> u64 {
        let text = config(self.dir.path(), text);
        self.rig.hub.apply(ApplyRequest { text, ..ApplyRequest::default() }).await.unwrap().version
    }
}
