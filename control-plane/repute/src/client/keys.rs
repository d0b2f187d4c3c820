//! `repute key` and `repute token`: who may use the API without a certificate of their own.

use clap::{Args, Subcommand, ValueEnum};
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::Table;
use super::units::{ms_ago, ms_until, span};

/// Issue, list and revoke API keys and tokens
#[derive(Subcommand, Debug)]
pub enum Key {
    Issue(Issue),
    /// List keys and tokens
    List,
    /// Take a key or token back
    Revoke {
        /// Its id, from the list
        id: String,
    },
}

/// What a key may do
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Exchange scores
    Peer,
    /// See
    Viewer,
    /// Also change what traffic gets
    Operator,
    /// Also change who may do what
    Admin,
}

/// Issue an API key; its text is shown this once
#[derive(Args, Debug)]
pub struct Issue {
    /// What it may do
    #[arg(long, value_enum)]
    role: Role,
    /// What people call it
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// How long it is good (90s, 15m, 12h, 30d) [default: until it is revoked]
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    valid: Option<u64>,
}

/// Issue a token for one purpose
#[derive(Subcommand, Debug)]
pub enum Token {
    Issue(IssueToken),
}

/// Issue a token that raises the score of one source; its text is shown this once
#[derive(Args, Debug)]
pub struct IssueToken {
    /// The source that it lifts
    #[arg(long, value_name = "SOURCE")]
    lift: String,
    /// How long it is good (90s, 15m, 12h, 30d), at most 365 days
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    valid: u64,
    /// How often it may be used
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    uses: u32,
    /// What people call it
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
}

/// Reads `90s`, `15m`, `12h`, `30d` or plain seconds.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| format!("`{text}` is no time; expected such as 90s, 15m, 12h or 30d"))
}

/// Runs `repute key`.
pub async fn run(args: Key, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.access();
    match args {
        Key::Issue(Issue { role, label, valid }) => {
            let role = format!("{role:?}").to_lowercase();
            let asked = v1::IssueKeyRequest { role, label, valid_s: valid.unwrap_or(0) };
            let issued = client.issue_key(asked).await.map_err(refused)?.into_inner();
            output.one(&issued, shown)
        }
        Key::List => {
            let keys = client.list_keys(v1::ListKeysRequest {}).await.map_err(refused)?.into_inner().keys;
            match output {
                Output::Human => text(&table(&keys).render()),
                Output::Json => keys.iter().try_for_each(json_line),
            }
        }
        Key::Revoke { id } => {
            let revoked = client.revoke(v1::RevokeRequest { id }).await.map_err(refused)?.into_inner();
            output.one(&revoked, |revoked| format!("{} is no longer accepted\n", revoked.id))
        }
    }
}

/// Runs `repute token`.
pub async fn run_token(args: Token, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let Token::Issue(IssueToken { lift, valid, uses, label }) = args;
    let asked = v1::IssueTokenRequest { source: lift, label, valid_s: valid, uses };
    let issued = connection.access().issue_token(asked).await.map_err(refused)?.into_inner();
    output.one(&issued, shown)
}

/// The text alone on a line, so that it can be copied; and that it is not kept.
fn shown(issued: &v1::IssuedKey) -> String {
    let id = issued.key.as_ref().map(|key| key.id.as_str()).unwrap_or_default();
    format!("{}\n  shown this once and kept nowhere; its id is {id}\n", issued.text)
}

fn table(keys: &[v1::Key]) -> Table {
    let mut table = Table::new(["<ID", "<GOOD FOR", "<LABEL", ">AGE", ">ENDS IN", ">USES LEFT"]);
    for key in keys {
        let good_for = if key.role.is_empty() { format!("lift {}", key.lifts) } else { key.role.clone() };
        let ends = key.expires_unix_ms.map_or("never".to_owned(), |at| span(ms_until(at)));
        let uses = key.uses_left.map_or(String::new(), |uses| uses.to_string());
        table.row([
            (&key.id).into(),
            good_for.into(),
            (&key.label).into(),
            span(ms_ago(key.created_unix_ms)).into(),
            ends.into(),
            uses.into(),
        ]);
    }
    table
}
