// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "graph.h"

/*
 * The pool: a list of chunks that grow from the front. Nothing in it is freed
 * before the graph is.
 */
struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	_Alignas(QACCEL_GRAPH_ALIGN) unsigned char data[];
};

#define CHUNK_SIZE	4000u

struct qaccel_graph *qaccel_graph_create(uint64_t max_memory)
{
	struct qaccel_graph *graph = calloc(1, sizeof(*graph));

	if (!graph) {
		qaccel_error(ENOMEM, "out of memory");
		return NULL;
	}
	atomic_init(&graph->refs, 1);
	graph->max_memory = max_memory;
	graph->description = "";
	return graph;
}

struct qaccel_graph *qaccel_graph_ref(struct qaccel_graph *graph)
{
	atomic_fetch_add_explicit(&graph->refs, 1, memory_order_relaxed);
	return graph;
}

static void graph_free(struct qaccel_graph *graph)
{
	struct chunk *chunk = graph->pool;

	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	free(graph->file);
	free(graph);
}

void qaccel_graph_unref(struct qaccel_graph *graph)
{
	if (!graph)
		return;
	/* Whoever frees it must see what the others did with it. */
	if (atomic_fetch_sub_explicit(&graph->refs, 1,
				      memory_order_acq_rel) == 1)
		graph_free(graph);
}

int qaccel_graph_charge(struct qaccel_graph *graph, uint64_t size)
{
	if (size > graph->max_memory - graph->memory)
		return qaccel_error(EFBIG, "the model needs more than %llu bytes",
				    (unsigned long long)graph->max_memory);
	graph->memory += size;
	return 0;
}

static struct chunk *add_chunk(struct qaccel_graph *graph, size_t size)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->next = graph->pool;
	chunk->size = size;
	graph->pool = chunk;
	return chunk;
}

int qaccel_graph_alloc(struct qaccel_graph *graph, size_t count, size_t size,
		       void *pointer)
{
	struct chunk *chunk = graph->pool;
	size_t total;
	void *memory;
	int err;

	if (size && count > (SIZE_MAX / 2) / size)
		return qaccel_error(EFBIG, "the model is too large");
	total = (count * size + QACCEL_GRAPH_ALIGN - 1) &
		~(size_t)(QACCEL_GRAPH_ALIGN - 1);
	err = qaccel_graph_charge(graph, total);
	if (err)
		return err;
	if (!chunk || total > chunk->size - chunk->used)
		chunk = add_chunk(graph, total > CHUNK_SIZE ? total : CHUNK_SIZE);
	if (!chunk)
		return qaccel_error(ENOMEM, "out of memory");
	memory = chunk->data + chunk->used;
	chunk->used += total;
	memcpy(pointer, &memory, sizeof(memory));
	return 0;
}

int qaccel_graph_set_shape(struct qaccel_graph_tensor *tensor, uint32_t rank,
			   const int32_t *dims)
{
	uint64_t size = qaccel_type_size(tensor->info.type);

	for (uint32_t i = 0; i < rank; i++) {
		/* Below 2^32 so far, and a dimension below 2^31. */
		size *= (uint64_t)dims[i];
		if (size > UINT32_MAX)
			return qaccel_error(EFBIG, "tensor %u has 2^32 bytes or more",
					    tensor->info.index);
		tensor->info.dims[i] = dims[i];
	}
	tensor->info.rank = rank;
	tensor->info.size = (size_t)size;
	return 0;
}
