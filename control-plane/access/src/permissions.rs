//! Which method takes which role. **Deny by default:** what the table does not name, nobody may call.
//!
//! Asked by [`Access`](crate::Access) for every request. A new method is one line in `TABLE`; the role
//! matrix test fails until it has one.

use prost::Message;
use prost_types::FileDescriptorSet;

use crate::role::{Least, Role};

/// Every method, by its gRPC path.
const TABLE: &[(&str, Least)] = &[
    ("/repute.v1.Status/Get", Least::Viewer),
    ("/repute.v1.Status/Watch", Least::Viewer),
    ("/repute.v1.Scores/Get", Least::Viewer),
    ("/repute.v1.Scores/List", Least::Viewer),
    ("/repute.v1.Scores/Watch", Least::Viewer),
    ("/repute.v1.Scores/Explain", Least::Viewer),
    ("/repute.v1.Scores/History", Least::Viewer),
    (NUDGE, Least::Operator),
    ("/repute.v1.Policies/Apply", Least::Operator),
    ("/repute.v1.Policies/Confirm", Least::Operator),
    ("/repute.v1.Policies/Rollback", Least::Operator),
    ("/repute.v1.Policies/Show", Least::Viewer),
    ("/repute.v1.Policies/History", Least::Viewer),
    ("/repute.v1.Policies/Diff", Least::Viewer),
    ("/repute.v1.Mitigations/List", Least::Viewer),
    ("/repute.v1.Mitigations/Watch", Least::Viewer),
    ("/repute.v1.Crowds/List", Least::Viewer),
    ("/repute.v1.Services/List", Least::Viewer),
    ("/repute.v1.Crowds/Watch", Least::Viewer),
    ("/repute.v1.Dns/Top", Least::Viewer),
    ("/repute.v1.Dns/Cache", Least::Viewer),
    ("/repute.v1.Dns/Explain", Least::Viewer),
    ("/repute.v1.Dns/Honeypots", Least::Viewer),
    ("/repute.v1.Dns/AddHoneypots", Least::Operator),
    ("/repute.v1.Dns/RemoveHoneypots", Least::Operator),
    ("/repute.v1.Feeds/List", Least::Viewer),
    ("/repute.v1.Feeds/Show", Least::Viewer),
    ("/repute.v1.Feeds/Refresh", Least::Operator),
    ("/repute.v1.Feeds/Push", Least::Operator),
    ("/repute.v1.Events/Subscribe", Least::Viewer),
    ("/repute.v1.Events/Alert", Least::Operator),
    ("/repute.v1.Events/Incidents", Least::Viewer),
    ("/repute.v1.Events/Acknowledge", Least::Operator),
    ("/repute.v1.Access/IssueKey", Least::Admin),
    ("/repute.v1.Access/IssueToken", Least::Admin),
    (LIST_KEYS, Least::Admin),
    ("/repute.v1.Access/Revoke", Least::Admin),
    // Peers and balancers ask for health; reflection lets grpcurl and the like work for whoever may look.
    ("/grpc.health.v1.Health/Check", Least::Any),
    ("/grpc.health.v1.Health/List", Least::Any),
    ("/grpc.health.v1.Health/Watch", Least::Any),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Least::Viewer),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Least::Viewer),
];

/// The one method that lifts a source.
pub(crate) const NUDGE: &str = "/repute.v1.Scores/Nudge";

/// The one method of admins that changes nothing.
const LIST_KEYS: &str = "/repute.v1.Access/ListKeys";

/// The least role that a method takes; none for a method that nobody may call.
pub fn least(method: &str) -> Option<Least> {
    TABLE.iter().find(|(path, _)| *path == method).map(|(_, least)| *least)
}

/// Whether the role may call the method (`/package.Service/Method`).
pub fn allows(role: Role, method: &str) -> bool {
    least(method).is_some_and(|least| role.suffices(least))
}

/// Whether the method changes something: what traffic gets, or who may do what.
pub fn changes(method: &str) -> bool {
    method != LIST_KEYS && matches!(least(method), Some(Least::Operator | Least::Admin))
}

/// Paths of all methods of an encoded `google.protobuf.FileDescriptorSet`.
///
/// # Errors
/// It is none.
pub fn methods(descriptors: &[u8]) -> Result<Vec<String>, prost::DecodeError> {
    let files = FileDescriptorSet::decode(descriptors)?.file;
    let paths = files.iter().flat_map(|file| {
        let services = file.service.iter();
        services.flat_map(move |service| {
            let path = move |method: &prost_types::MethodDescriptorProto| match file.package() {
                "" => format!("/{}/{}", service.name(), method.name()),
                package => format!("/{package}.{}/{}", service.name(), method.name()),
            };
            service.method.iter().map(path)
        })
    });
    Ok(paths.collect())
}

/// Those of them that nobody may call, because the table does not name them: for a test that fails when the
/// API grows.
///
/// # Errors
/// It is no descriptor set.
pub fn unlisted(descriptors: &[u8]) -> Result<Vec<String>, prost::DecodeError> {
    Ok(methods(descriptors)?.into_iter().filter(|method| least(method).is_none()).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let paths: BTreeSet<_> = TABLE.iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), TABLE.len(), "a method is named once");
        for path in paths {
            let parts: Vec<_> = path.split('/').collect();
            assert!(
                matches!(parts.as_slice(), ["", service, method] if service.contains('.') && !method.is_empty())
            );
        }
    }

    #[test]
    fn what_is_not_named_is_denied() {
        for method in [
            "",
            "/",
            "/repute.v1.Policies/",
            "/repute.v1.Policies/apply",
            "/repute.v1.Policies/Apply/",
            "//repute.v1.Policies/Apply",
            "/repute.v1.policies/Apply",
            "repute.v1.Policies/Apply",
            "/repute.v1.Policies/%41pply",
            "/repute.v1.Policies/Apply?x",
        ] {
            for role in Role::ALL {
                assert!(!allows(role, method), "{role} {method}");
            }
        }
    }

    #[test]
    fn garbage_is_no_descriptor_set() {
        assert!(unlisted(b"\xff\xff\xff").is_err());
        assert_eq!(unlisted(b"").unwrap(), Vec::<String>::new());
    }
}
