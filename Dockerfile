# repute as an image: the daemon and its command line on Debian 12 with DPDK's drivers.
#
#   docker build -t repute .
#   docker run --cap-add NET_ADMIN --cap-add NET_RAW --cap-add IPC_LOCK --network host \
#       -v ./my.toml:/etc/repute/ingress.toml repute run /etc/repute/ingress.toml \
#       --port outside=net_af_packet0,iface=eth1 --port inside=net_af_packet1,iface=eth2
#   docker exec CONTAINER repute status
#
# It runs as the user `repute`. The three capabilities are always needed, since the daemon's file asks for
# them: raw sockets, interface settings, locked memory. Huge pages: add `-v /dev/hugepages:/dev/hugepages`,
# writable for uid 990. PCI NICs bound to vfio-pci: add `--device /dev/vfio --ulimit memlock=-1` and give
# uid 990 the group of /dev/vfio/*.

FROM rust:1.95.0-slim-bookworm AS build
# The image's toolchain is the pinned one; no further components are fetched.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY scripts/setup /tmp/setup
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(bash /tmp/setup --list build) \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p reputed -p repute

FROM debian:12-slim
COPY scripts/setup /tmp/setup
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(bash /tmp/setup --list run) \
    && rm -rf /var/lib/apt/lists/* /tmp/setup \
    && useradd --system --uid 990 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin repute \
    && install -d -o repute -g repute /run/repute
COPY --from=build /src/target/release/reputed /src/target/release/repute /usr/local/bin/
COPY configs /etc/repute
RUN setcap cap_net_admin,cap_net_raw,cap_ipc_lock+ep /usr/local/bin/reputed
USER repute
# Both programs find the API's socket at /run/repute/repute.sock.
ENV XDG_RUNTIME_DIR=/run
HEALTHCHECK --interval=10s --timeout=5s CMD ["repute", "status"]
ENTRYPOINT ["reputed"]
CMD ["--help"]
