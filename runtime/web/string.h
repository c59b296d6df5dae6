/* What edgetext.c needs of this header: there is no C library for wasm32-freestanding. The compiler has the functions.
 */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *first, const void *second, size_t size);

static inline void *memchr(const void *bytes, int byte, size_t size)
{
    const unsigned char *at = bytes;
    for (; size > 0; size--, at++)
        if (*at == (unsigned char)byte) return (void *)(size_t)at;
    return NULL;
}
