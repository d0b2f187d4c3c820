/* The inline functions of DPDK as real ones, and two conversations that C holds more easily than Rust. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "wrapper.h"

int dpdk_errno(void)
{
	return rte_errno;
}

int dpdk_log_to(ssize_t (*write)(void *cookie, const char *text, size_t len))
{
	cookie_io_functions_t io = { .write = write };
	FILE *stream = fopencookie(NULL, "w", io);

	if (stream == NULL)
		return -errno;
	setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	return rte_openlog_stream(stream);
}

uint16_t dpdk_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t n)
{
	return rte_eth_rx_burst(port, queue, mbufs, n);
}

uint16_t dpdk_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t n)
{
	return rte_eth_tx_burst(port, queue, mbufs, n);
}

int dpdk_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, unsigned int n)
{
	return rte_pktmbuf_alloc_bulk(pool, mbufs, n);
}

struct rte_mbuf *dpdk_alloc(struct rte_mempool *pool)
{
	return rte_pktmbuf_alloc(pool);
}

void dpdk_free(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

int dpdk_link(uint16_t port, uint32_t *speed, int *up, int *full_duplex)
{
	struct rte_eth_link link = { 0 };
	int rc = rte_eth_link_get_nowait(port, &link);

	*speed = link.link_speed;
	*up = link.link_status == RTE_ETH_LINK_UP;
	*full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	return rc;
}
