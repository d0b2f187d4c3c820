/* DPDK's hash table with a line of values for each key: look up a burst, fetch the lines, count in each. */
#include <stdint.h>
#include <string.h>

#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#define KEY_BYTES 16
#define BURST 64

struct line {
	uint64_t packets;
	uint64_t rest[7];
};

struct bench_table {
	struct rte_hash *hash;
	struct line *lines;
};

void bench_table_free(struct bench_table *table)
{
	if (table == NULL)
		return;
	rte_hash_free(table->hash);
	rte_free(table->lines);
	rte_free(table);
}

struct bench_table *bench_table_new(uint32_t entries)
{
	struct rte_hash_parameters parameters = {
		.name = "bench",
		.entries = entries,
		.key_len = KEY_BYTES,
		.socket_id = SOCKET_ID_ANY,
	};
	struct bench_table *table = rte_zmalloc("bench", sizeof(*table), 0);

	if (table == NULL)
		return NULL;
	table->hash = rte_hash_create(&parameters);
	table->lines = rte_zmalloc("bench", (size_t)entries * sizeof(struct line), 64);
	if (table->hash == NULL || table->lines == NULL) {
		bench_table_free(table);
		return NULL;
	}
	return table;
}

int bench_table_add(struct bench_table *table, const uint8_t *key)
{
	return rte_hash_add_key(table->hash, key);
}

/* Counts up to BURST keys of KEY_BYTES each; how many were there. */
uint32_t bench_table_count(struct bench_table *table, const uint8_t *keys, uint32_t count)
{
	const void *pointers[BURST];
	int32_t positions[BURST];
	uint32_t i, found = 0;

	for (i = 0; i < count; i++)
		pointers[i] = keys + (size_t)i * KEY_BYTES;
	if (rte_hash_lookup_bulk(table->hash, pointers, count, positions) != 0)
		return 0;
	for (i = 0; i < count; i++)
		if (positions[i] >= 0)
			rte_prefetch0(&table->lines[positions[i]]);
	for (i = 0; i < count; i++)
		if (positions[i] >= 0) {
			table->lines[positions[i]].packets++;
			found++;
		}
	return found;
}
