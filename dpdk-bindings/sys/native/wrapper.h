/*
 * What bindgen reads: the DPDK headers, the shims, and the values that are macros in C and so invisible to it.
 * Every name that starts with dpdk_ or DPDK_ is ours; every rte_ name is DPDK's.
 */
#ifndef DPDK_WRAPPER_H
#define DPDK_WRAPPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_version.h>

/*--- shims: called once per burst, per port or per process, never once per packet of a burst */

/* Error number of the last failed call of this thread (rte_errno is a thread-local macro). */
int dpdk_errno(void);

/* Sends DPDK's log through `write`; may be called before rte_eal_init(). 0, or -errno. */
int dpdk_log_to(ssize_t (*write)(void *cookie, const char *text, size_t len));

/* rte_eth_rx_burst and rte_eth_tx_burst. */
uint16_t dpdk_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t n);
uint16_t dpdk_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t n);

/* All n or none: 0 or -ENOENT. */
int dpdk_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, unsigned int n);

/* NULL when the pool is empty. */
struct rte_mbuf *dpdk_alloc(struct rte_mempool *pool);

/* Frees one mbuf with all of its segments. */
void dpdk_free(struct rte_mbuf *mbuf);

/* Link state without waiting: 0 or -errno. speed in Mbit/s, 0 = none, UINT32_MAX = unknown. */
int dpdk_link(uint16_t port, uint32_t *speed, int *up, int *full_duplex);

/*--- offsets of the mbuf fields that are read and written inline (the struct's shape differs between releases) */

static const size_t DPDK_MBUF_BUF_ADDR = offsetof(struct rte_mbuf, buf_addr);
static const size_t DPDK_MBUF_DATA_OFF = offsetof(struct rte_mbuf, data_off);
static const size_t DPDK_MBUF_REFCNT = offsetof(struct rte_mbuf, refcnt);
static const size_t DPDK_MBUF_NB_SEGS = offsetof(struct rte_mbuf, nb_segs);
static const size_t DPDK_MBUF_PORT = offsetof(struct rte_mbuf, port);
static const size_t DPDK_MBUF_OL_FLAGS = offsetof(struct rte_mbuf, ol_flags);
static const size_t DPDK_MBUF_PKT_LEN = offsetof(struct rte_mbuf, pkt_len);
static const size_t DPDK_MBUF_DATA_LEN = offsetof(struct rte_mbuf, data_len);
static const size_t DPDK_MBUF_BUF_LEN = offsetof(struct rte_mbuf, buf_len);
static const size_t DPDK_MBUF_RSS = offsetof(struct rte_mbuf, hash.rss);
static const size_t DPDK_MBUF_NEXT = offsetof(struct rte_mbuf, next);

/*--- flags that are RTE_BIT64 macros */

static const uint64_t DPDK_MBUF_INDIRECT = RTE_MBUF_F_INDIRECT;
static const uint64_t DPDK_MBUF_EXTERNAL = RTE_MBUF_F_EXTERNAL;
static const uint64_t DPDK_MBUF_RSS_HASH = RTE_MBUF_F_RX_RSS_HASH;
static const uint64_t DPDK_MBUF_IP_CKSUM_MASK = RTE_MBUF_F_RX_IP_CKSUM_MASK;
static const uint64_t DPDK_MBUF_IP_CKSUM_BAD = RTE_MBUF_F_RX_IP_CKSUM_BAD;
static const uint64_t DPDK_MBUF_IP_CKSUM_GOOD = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
static const uint64_t DPDK_MBUF_L4_CKSUM_MASK = RTE_MBUF_F_RX_L4_CKSUM_MASK;
static const uint64_t DPDK_MBUF_L4_CKSUM_BAD = RTE_MBUF_F_RX_L4_CKSUM_BAD;
static const uint64_t DPDK_MBUF_L4_CKSUM_GOOD = RTE_MBUF_F_RX_L4_CKSUM_GOOD;

static const uint64_t DPDK_RX_OFFLOAD_CHECKSUM = RTE_ETH_RX_OFFLOAD_CHECKSUM;
static const uint64_t DPDK_RX_OFFLOAD_SCATTER = RTE_ETH_RX_OFFLOAD_SCATTER;
static const uint64_t DPDK_RX_OFFLOAD_RSS_HASH = RTE_ETH_RX_OFFLOAD_RSS_HASH;
static const uint64_t DPDK_TX_OFFLOAD_MULTI_SEGS = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

static const uint64_t DPDK_RSS_IP = RTE_ETH_RSS_IP;
static const uint64_t DPDK_RSS_L3_SRC_ONLY = RTE_ETH_RSS_L3_SRC_ONLY;
static const uint64_t DPDK_RSS_L3_DST_ONLY = RTE_ETH_RSS_L3_DST_ONLY;

static const uint32_t DPDK_MQ_RX_NONE = RTE_ETH_MQ_RX_NONE;
static const uint32_t DPDK_MQ_RX_RSS = RTE_ETH_MQ_RX_RSS;

static const uint32_t DPDK_HEADROOM = RTE_PKTMBUF_HEADROOM;
static const uint32_t DPDK_MEMPOOL_CACHE_MAX = RTE_MEMPOOL_CACHE_MAX_SIZE;
static const uint32_t DPDK_BUILT_YEAR = RTE_VER_YEAR;
static const uint32_t DPDK_BUILT_MONTH = RTE_VER_MONTH;

#endif
