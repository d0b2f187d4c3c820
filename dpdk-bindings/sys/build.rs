//! Finds the installed libdpdk, compiles the shims and generates the bindings into `OUT_DIR`.
//!
//! `pkg-config --cflags` of libdpdk carries `-include rte_config.h -march=…`, which the pkg-config crate drops:
//! both are passed here by hand, with the workspace's own baseline.

use std::path::{Path, PathBuf};

/// Oldest release whose headers and ABI this crate knows (LTS, Debian 12).
const OLDEST: &str = "22.11";

/// The machine that the shims are compiled for, as in `.cargo/config.toml`.
const MARCH: &str = "-march=x86-64-v3";

/// What is linked of libdpdk's three dozen libraries; drivers are plug-ins that EAL loads by itself.
const LIBRARIES: &[&str] = &[
    "rte_eal",
    "rte_log", // a library of its own since 24.03
    "rte_mbuf",
    "rte_mempool",
    "rte_ethdev",
];

const FUNCTIONS: &[&str] = &[
    "dpdk_.*",
    "rte_dev_probe",
    "rte_dev_remove",
    "rte_eal_get_runtime_dir",
    "rte_eal_init",
    "rte_eth_allmulticast_enable",
    "rte_eth_dev_adjust_nb_rx_tx_desc",
    "rte_eth_dev_close",
    "rte_eth_dev_configure",
    "rte_eth_dev_get_mtu",
    "rte_eth_dev_get_port_by_name",
    "rte_eth_dev_info_get",
    "rte_eth_dev_rss_reta_update",
    "rte_eth_dev_set_link_down",
    "rte_eth_dev_set_link_up",
    "rte_eth_dev_set_mtu",
    "rte_eth_dev_socket_id",
    "rte_eth_dev_start",
    "rte_eth_dev_stop",
    "rte_eth_macaddr_get",
    "rte_eth_promiscuous_enable",
    "rte_eth_promiscuous_get",
    "rte_eth_rx_queue_setup",
    "rte_eth_stats_get",
    "rte_eth_tx_queue_setup",
    "rte_get_tsc_hz",
    "rte_mbuf_dyn_rx_timestamp_register",
    "rte_mempool_avail_count",
    "rte_mempool_in_use_count",
    "rte_pktmbuf_copy",
    "rte_pktmbuf_free_bulk",
    "rte_pktmbuf_pool_create_by_ops",
    "rte_strerror",
    "rte_thread_register",
    "rte_thread_unregister",
    "rte_version",
    "rte_version_month",
    "rte_version_year",
];

fn main() {
    for input in ["build.rs", "native/wrapper.h", "native/shim.c"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let library = match find() {
        Ok(library) => library,
        Err(reason) => {
            eprintln!("{reason}");
            std::process::exit(1);
        }
    };
    compile_shims(&library.include_paths);
    generate(&library.include_paths);
    link(&library);
}

fn find() -> Result<pkg_config::Library, String> {
    pkg_config::Config::new()
        .atleast_version(OLDEST)
        .cargo_metadata(false)
        .probe("libdpdk")
        .map_err(|cause| {
            format!(
                "dpdk-sys needs libdpdk {OLDEST} or newer with its headers.\n\
                 Way out: run scripts/setup, or `apt-get install libdpdk-dev`; for a DPDK of your own, put the \
                 folder of its libdpdk.pc into PKG_CONFIG_PATH.\npkg-config said: {cause}"
            )
        })
}

fn compile_shims(includes: &[PathBuf]) {
    cc::Build::new()
        .file("native/shim.c")
        .includes(includes)
        .flag("-include")
        .flag("rte_config.h")
        .flag(MARCH)
        .flag("-Wno-unused-parameter") // in DPDK's own inlines
        .opt_level(3)
        .compile("dpdk_shim");
}

fn generate(includes: &[PathBuf]) {
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let mut builder = bindgen::Builder::default()
        .header("native/wrapper.h")
        .clang_args(["-include", "rte_config.h", MARCH])
        .clang_args(includes.iter().map(|path| format!("-I{}", path.display())))
        .allowlist_recursively(true)
        .allowlist_var("DPDK_.*")
        .opaque_type("rte_mbuf|rte_mempool|rte_device")
        .derive_default(true)
        .derive_debug(false)
        .layout_tests(false)
        .generate_comments(false);
    for function in FUNCTIONS {
        builder = builder.allowlist_function(function);
    }
    let written = builder.generate().map_err(|cause| cause.to_string()).and_then(|bindings| {
        let to = Path::new(&out).join("bindings.rs");
        bindings.write_to_file(to).map_err(|cause| cause.to_string())
    });
    if let Err(cause) = written {
        eprintln!("dpdk-sys: bindgen failed on libdpdk's headers: {cause}");
        std::process::exit(1);
    }
}

fn link(library: &pkg_config::Library) {
    for path in &library.link_paths {
        println!("cargo:rustc-link-search=native={}", path.display());
    }
    for name in LIBRARIES {
        if library.libs.iter().any(|found| found == name) {
            println!("cargo:rustc-link-lib=dylib={name}");
        }
    }
}
