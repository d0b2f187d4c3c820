//! `repute dns honeypot`: names of honeypots and sinkholes while the box runs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::keys::seconds;
use super::output::Output;
use super::table::Table;
use super::units::{ms_until, span};

/// Live honeypots: names that nobody honest asks for, beside those of the config
#[derive(Args, Debug)]
pub struct Honeypot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Add(Add),
    Remove(Remove),
    List(List),
}

/// Add names for a while, all of them or none, and wait until the workers judge by them
#[derive(Args, Debug)]
struct Add {
    #[command(flatten)]
    names: Names,
    /// For how long they count (60s, 12h, 30d at most); of a name that is there the longer time counts
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
    ttl: u64,
    /// Why; at most 64 bytes are kept
    #[arg(long, default_value = "")]
    note: String,
}

/// Remove names, all of them or none
#[derive(Args, Debug)]
struct Remove {
    #[command(flatten)]
    names: Names,
}

/// List the names that count now
#[derive(Args, Debug)]
struct List {
    /// Rows at most; 0 = all
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    limit: u32,
}

/// Which names.
#[derive(Args, Debug)]
struct Names {
    /// Names as in zone files; *.NAME stands for all below NAME
    #[arg(value_name = "NAME", required_unless_present = "file")]
    names: Vec<String>,
    /// A file with further ones, one a line; # and ; begin comments
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Names {
    fn all(&self) -> anyhow::Result<Vec<String>> {
        let file = self.file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(self.names.iter().cloned().chain(file).collect())
    }
}

/// The names of a file. What is wrong with one is told by its line; nothing is sent then.
fn read(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    let names = names(&text).map_err(|wrong| anyhow::anyhow!("{}:{wrong}", path.display()))?;
    anyhow::ensure!(!names.is_empty(), "{}: there is no name in it", path.display());
    Ok(names)
}

fn names(text: &str) -> Result<Vec<String>, String> {
    let entry = |line: &str| line.split(['#', ';']).next().unwrap_or_default().trim().to_owned();
    let lines = (1..).zip(text.lines().map(entry)).filter(|(_, name)| !name.is_empty());
    let check = |(line, name): (u32, String)| match name.parse::<repute_model::DomainName>() {
        Ok(_) => Ok(name),
        Err(error) => Err(format!("{line}: {}", error.to_string().escape_debug())),
    };
    lines.map(check).collect()
}

/// Runs the subcommand.
pub async fn run(args: &Honeypot, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.dns();
    match &args.command {
        Command::Add(Add { names, ttl, note }) => {
            let (names, note) = (names.all()?, note.clone());
            let ttl_s = u32::try_from(*ttl).unwrap_or(u32::MAX);
            let asked = v1::AddHoneypotsRequest { names, ttl_s, note };
            let answer = client.add_honeypots(asked).await.map_err(refused)?.into_inner();
            output.one(&answer, |answer| changed("added", answer))
        }
        Command::Remove(Remove { names }) => {
            let asked = v1::RemoveHoneypotsRequest { names: names.all()? };
            let answer = client.remove_honeypots(asked).await.map_err(refused)?.into_inner();
            output.one(&answer, |answer| changed("removed", answer))
        }
        Command::List(List { limit }) => {
            let asked = v1::HoneypotsRequest { max_rows: *limit };
            output.one(&client.honeypots(asked).await.map_err(refused)?.into_inner(), list)
        }
    }
}

fn changed(done: &str, answer: &v1::HoneypotsChanged) -> String {
    format!("{} {done}; {} live honeypots in force\n", answer.changed, answer.total)
}

/// Writing to a `String` cannot fail.
fn list(answer: &v1::HoneypotsResponse) -> String {
    if answer.total == 0 {
        return "no live honeypots; those of the config are in it\n".to_owned();
    }
    let mut table = Table::new(["<NAME", ">LEFT", "<NOTE"]);
    for v1::Honeypot { name, until_unix_ms, note } in &answer.honeypots {
        table.row([name.into(), span(ms_until(*until_unix_ms)).into(), note.into()]);
    }
    let mut out = table.render();
    let more = answer.total - answer.honeypots.len() as u64;
    if more > 0 {
        let _ = writeln!(out, "and {more} more");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_a_name_a_line_and_mistakes_a_place() {
        let read = names("# traps\r\ntrap.example ; one\n\n  *.sinkhole.example\n").unwrap();
        assert_eq!(read, ["trap.example", "*.sinkhole.example"]);
        assert!(names("a.example\n\na..b\n").unwrap_err().starts_with("3: "));
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let one = v1::Honeypot { name: "trap.example".into(), until_unix_ms: 0, note: "sandbox".into() };
        let text = list(&v1::HoneypotsResponse { honeypots: vec![one], total: 3 });
        assert!(
            text.contains("trap.example") && text.contains("sandbox") && text.ends_with("and 2 more\n"),
            "{text}"
        );
        assert!(list(&v1::HoneypotsResponse::default()).starts_with("no live honeypots"));
    }
}
