//! Compiles the `.proto` files without protoc and keeps their descriptors for server reflection.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 11] = [
    "repute/v1/access.proto",
    "repute/v1/common.proto",
    "repute/v1/status.proto",
    "repute/v1/scores.proto",
    "repute/v1/services.proto",
    "repute/v1/mitigations.proto",
    "repute/v1/crowds.proto",
    "repute/v1/dns.proto",
    "repute/v1/policy.proto",
    "repute/v1/feeds.proto",
    "repute/v1/events.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=repute");
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("repute.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .type_attribute(".", "#[derive(serde::Serialize)]")
        .field_attribute("band", "#[serde(serialize_with = \"crate::json::band\")]")
        .field_attribute("PolicyVersion.state", "#[serde(serialize_with = \"crate::json::state\")]")
        .field_attribute("rule_kind", "#[serde(serialize_with = \"crate::json::rule_kind\")]")
        .field_attribute("MitigationEvent.change", "#[serde(serialize_with = \"crate::json::change\")]")
        .compile_fds(descriptors)?;
    // Messages of others: no service, and no JSON of ours.
    println!("cargo::rerun-if-changed=dnstap");
    tonic_prost_build::configure().compile_fds(protox::compile(["dnstap/dnstap.proto"], ["."])?)?;
    Ok(())
}
