#include "sluice.h"

#include <malloc.h>

enum { TRIM_BYTES = 2 << 20, MMAP_BYTES = 4 << 20 };

// sluice_arenas bounds glibc's malloc arenas. Each thread of librdkafka gets an arena of its own otherwise, and fifty
// consumers keep hundreds of megabytes of fragments.
//
// Free memory at the end of an arena goes back to the system when it is more than TRIM_BYTES. malloc_trim leaves that
// memory alone. Without a bound of ours malloc raises its own, to twice the largest block that came from mmap. Blocks
// of MMAP_BYTES and more come from mmap.
void sluice_arenas(int n) {
	mallopt(M_ARENA_MAX, n);
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
}

// sluice_heap_in_use is how many bytes are allocated.
int64_t sluice_heap_in_use(void) {
	struct mallinfo2 m = mallinfo2();

	return (int64_t)(m.uordblks + m.hblkhd);
}

// sluice_heap_free is how many bytes malloc keeps for its next allocations.
int64_t sluice_heap_free(void) {
	return (int64_t)mallinfo2().fordblks;
}

// sluice_heap_trim returns free memory to the system, as far as whole pages are free.
void sluice_heap_trim(void) {
	malloc_trim(0);
}
