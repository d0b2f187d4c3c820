//! `repute feed test URL`: which collections a TAXII server has, without a server of ours.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use repute_feeds::{Collection, Header, taxii_collections};
use serde::Serialize;

use crate::client::output::Output;
use crate::client::table::Table;

/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Serialize)]
struct Report {
    url: String,
    collections: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    url: String,
    title: String,
    can_read: bool,
}

/// Whether this is a URL and no file.
pub fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}

/// Lists the collections behind `url`; `authorization` is a file with the value of that header.
pub fn run(url: &str, authorization: Option<&Path>, output: Output) -> anyhow::Result<()> {
    let secret = |file: &Path| Header::Secret {
        name: "Authorization".to_owned(),
        prefix: String::new(),
        file: file.to_owned(),
    };
    let headers: Vec<_> = authorization.map(secret).into_iter().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked =
        runtime.block_on(async { tokio::time::timeout(WITHIN, taxii_collections(url, &headers)).await });
    let found = asked.with_context(|| format!("{url}: no whole answer within {} s", WITHIN.as_secs()))??;
    let row = |Collection { url, title, can_read }| Row { url, title, can_read };
    output.one(&Report { url: url.to_owned(), collections: found.into_iter().map(row).collect() }, human)
}

/// Writing to a `String` cannot fail.
fn human(report: &Report) -> String {
    if report.collections.is_empty() {
        return format!("{}: no collections\n", report.url);
    }
    let mut table = Table::new(["<TITLE", "<READ", "<TAXII"]);
    for Row { url, title, can_read } in &report.collections {
        table.row([title.into(), if *can_read { "yes" } else { "no" }.to_owned().into(), url.into()]);
    }
    let mut out = table.render();
    let _ = writeln!(out, "give one of them as `taxii` to a [[feeds]] of the policy");
    out
}
