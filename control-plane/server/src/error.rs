//! What can be wrong with a question to the box, with the way out.

use repute_model::{DomainNameError, PrefixError};
use repute_policy::config::Treat;
use repute_policy::{Change, Diagnostics};

/// Why the hub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The text names no source.
    #[error("{0}; expected a source such as `192.0.2.7` or `2001:db8:0:1::/64`")]
    NoSource(PrefixError),
    /// The text names no crowd.
    #[error("{0}; expected a crowd such as `192.0.2.7` or `192.0.2.0/24`")]
    NoCrowd(PrefixError),
    /// The text is no domain name.
    #[error("{0}; expected a name such as `www.example.org`")]
    NoName(DomainNameError),
    /// The text is no address.
    #[error("`{0}` is no address; expected one such as `192.0.2.7` or `2001:db8::1`")]
    NoAddress(String),
    /// No queries are judged.
    #[error(
        "the policy in force has no profile of DNS; add `[profiles.dns]` to the config, which takes a restart"
    )]
    NoDns,
    /// A prefix of a length that no source has here.
    #[error("`{text}`: no source has this length; here sources are /{v4} for IPv4 and /{v6} for IPv6")]
    Width {
        /// What was asked for.
        text: String,
        /// Length of IPv4 sources.
        v4: u8,
        /// Length of IPv6 sources.
        v6: u8,
    },
    /// A page token that no list has given.
    #[error("`{0}` is no page token of this box; begin the list again without one")]
    PageToken(String),
    /// The worker's command ring is full.
    #[error(
        "worker {worker} is busy: it takes no commands now and nothing was changed; try again, and if it \
             stays so look at its `silent` time in `repute status`"
    )]
    Busy {
        /// Which worker.
        worker: u16,
    },
    /// The worker did not answer in time.
    #[error(
        "worker {worker} lags: no answer within {waited_ms} ms; look at its `silent` time in `repute status`"
    )]
    Lagging {
        /// Which worker.
        worker: u16,
        /// For how long the answer was awaited, in ms.
        waited_ms: u64,
    },
    /// Too many questions wait for answers.
    #[error("{0} questions wait for answers already; try again")]
    TooManyQuestions(usize),
    /// The worker's table has no room for an entry.
    #[error("the table of worker {worker} is full of sources that matter more; nothing was changed")]
    TableFull {
        /// Which worker.
        worker: u16,
    },
    /// The policy text has mistakes.
    #[error("{0}")]
    Policy(Box<Diagnostics>),
    /// Another version than expected is in force.
    #[error(
        "version {in_force} is in force, not {expected} as expected; look at what changed \
             (`repute policy diff --from {expected}`) and apply again on top of {in_force}"
    )]
    Stale {
        /// What the caller expected.
        expected: u64,
        /// What is in force.
        in_force: u64,
    },
    /// A policy waits for its confirmation.
    #[error(
        "version {version} waits for its confirmation for another {left_s} s; confirm it \
             (`repute policy confirm`) or roll it back (`repute policy rollback`) first"
    )]
    Unconfirmed {
        /// Which version waits.
        version: u64,
        /// How many seconds are left.
        left_s: u64,
    },
    /// There is nothing to confirm, or something else.
    #[error("{}", confirm_text(*.asked, *.waits))]
    NothingToConfirm {
        /// The version that was to be confirmed; 0 = any.
        asked: u64,
        /// The version that waits, if any.
        waits: Option<u64>,
    },
    /// Some changes take a restart.
    #[error("{}", restart_text(.0))]
    NeedsRestart(Vec<Change>),
    /// A policy that came over the API says who may do what.
    #[error(
        "nothing was changed: `[api.access]` differs from the one in force, and who may do what changes by \
             reputed's own config file alone: edit that and send SIGHUP, or leave the section as it is"
    )]
    ByFileOnly,
    /// The version is not kept.
    #[error("version {version} is not kept; the history goes from {oldest} to {latest}")]
    UnknownVersion {
        /// What was asked for.
        version: u64,
        /// The oldest version that is kept.
        oldest: u64,
        /// The latest version.
        latest: u64,
    },
    /// A file of `[geo]` cannot be used.
    #[error("nothing was changed: {0}")]
    Geo(#[from] repute_feeds::geo::GeoError),
    /// Names that cannot be honeypots, each with its place.
    #[error("nothing was changed: {0}")]
    BadHoneypots(String),
    /// No room for more names.
    #[error(
        "there may be {0} live honeypots; name wildcards, or put the names into a file (`honeypot_files`)"
    )]
    HoneypotsFull(usize),
    /// A name that is no live honeypot.
    #[error("nothing was changed: `{0}` is no live honeypot; `repute dns honeypot list` shows them")]
    NoHoneypot(String),
    /// There is no feed of this name.
    #[error("there is no feed `{0}`; `repute feed list` shows those of the config")]
    NoFeed(String),
    /// The list is none that others bring.
    #[error(
        "the list `alerts` is made by rules of `[alerts]` alone; an allow entry lifts what it says (`[lists] allow`, or \
         a feed with `says = \"allow\"`), `repute score nudge SOURCE 0 --forgive` what it says of one source"
    )]
    OfAlerts,
    /// There is no service of this name.
    #[error("there is no {0} with addresses in the config in force")]
    NoService(String),
    /// Nothing that a list says comes to this treatment.
    #[error(
        "no list entry comes to `{0}` under the policy in force; give a band that listed sources reach such a treatment"
    )]
    NoEntry(Treat),
    /// No room for one more treatment that an alert asks for.
    #[error("the list `alerts` has {0} entries already; shorten the lifetimes, or ask for prefixes")]
    AlertsFull(usize),
    /// There is no older version to go back to.
    #[error("there is no version before {0} to go back to; name one of `repute policy history`")]
    NoPrevious(u64),
    /// No state is kept.
    #[error("this box keeps no state; name a folder: `[state] folder`, or `--state FOLDER` at its start")]
    NothingKept,
    /// The store failed.
    #[error("{0}")]
    Kept(String),
    /// The control task is gone, or failed on this request.
    #[error("the control task failed on this request; the workers go on; see the log of reputed")]
    Gone,
}

fn confirm_text(asked: u64, waits: Option<u64>) -> String {
    match waits {
        Some(version) => format!("version {version} waits for its confirmation, not {asked}"),
        None => "no policy waits for its confirmation: it was confirmed, rolled back, or applied without \
                 `--confirm-within`; see `repute policy history`"
            .to_owned(),
    }
}

fn restart_text(changes: &[Change]) -> String {
    let mut text =
        String::from("nothing was changed: these settings take effect only after a restart of reputed:");
    for change in changes {
        text.push_str("\n  ");
        text.push_str(&change.to_string());
    }
    text
}
