//! Aliases of a policy zone as actions.
//!
//! Called for every CNAME record.

use repute_model::{DomainName, RpzAction};

use crate::trigger::Trigger;

/// What an alias to `target` does; `None` = it is data, an alias to be answered.
pub(super) fn read(target: &DomainName, trigger: &Trigger) -> Result<Option<RpzAction>, String> {
    let labels: Vec<&[u8]> = target.labels().collect();
    Ok(Some(match labels.as_slice() {
        [] => RpzAction::NxDomain,
        [b"*"] => RpzAction::NoData,
        [b"rpz-passthru"] => RpzAction::Passthru,
        [b"rpz-drop"] => RpzAction::Drop,
        [b"rpz-tcp-only"] => RpzAction::TcpOnly,
        [top] if top.starts_with(b"rpz-") => return Err(format!("asks for `{target}.`, which is no action")),
        // How it was written before rpz-passthru was there.
        _ if matches!(trigger, Trigger::Name(name) if name == target) => RpzAction::Passthru,
        _ => return Ok(None),
    }))
}
