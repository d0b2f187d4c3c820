//! Compiles the shim around DPDK's hash table, the reference of row B17, and links its library.

/// The machine that the shim is compiled for, as in `.cargo/config.toml`.
const MARCH: &str = "-march=x86-64-v3";

fn main() {
    for input in ["build.rs", "native/rte_hash.c"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let library = match pkg_config::Config::new().cargo_metadata(false).probe("libdpdk") {
        Ok(library) => library,
        Err(cause) => {
            eprintln!("repute-bench needs libdpdk with its headers; way out: scripts/setup build\n{cause}");
            std::process::exit(1);
        }
    };
    cc::Build::new()
        .file("native/rte_hash.c")
        .includes(&library.include_paths)
        .flag("-include")
        .flag("rte_config.h")
        .flag(MARCH)
        .flag("-Wno-unused-parameter") // in DPDK's own inlines
        .opt_level(3)
        .compile("bench_rte_hash");
    for path in &library.link_paths {
        println!("cargo:rustc-link-search=native={}", path.display());
    }
    println!("cargo:rustc-link-lib=dylib=rte_hash");
    println!("cargo:rustc-link-lib=dylib=rte_eal");
}
