/* What edgetext.mjs calls in WebAssembly. An instance holds one model.
 *
 * In memory there follow, each aligned: what the compiler placed there, the block, the results and scratch memory, the
 * text, and the parts of an explanation. Each text takes the place of the last one, so nothing needs to be freed.
 */
#include "../c/edgetext.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define PAGE 65536u

extern unsigned char __heap_base; /* from the linker */

static edgetext model;
static size_t begin;    /* of free memory; 0 before the first reservation */
static double *results; /* the share of known words, then the probability of each label */
static int32_t *scratch;

static size_t align(size_t place) { return (place + 15) & ~(size_t)15; }

/* Return whether memory has `size` bytes from `place` on, after growing it if needed. */
static int has(size_t place, double size)
{
    double pages = ((double)place + size) / PAGE + 1;
    size_t current = __builtin_wasm_memory_size(0);
    if (pages <= (double)current) return 1;
    return pages < PAGE && __builtin_wasm_memory_grow(0, (size_t)pages - current) != (size_t)-1;
}

/* Return where `size` bytes may be written: the block before web_open, then texts. Return 0 if memory is full. */
EXPORT(reserve) unsigned char *web_reserve(double size)
{
    if (begin == 0) begin = align((size_t)&__heap_base);
    return has(begin, size) ? (unsigned char *)begin : 0;
}

/* Open the block of `size` bytes that was written. Return EDGETEXT_OK or an error. */
EXPORT(open) int web_open(size_t size)
{
    int error = edgetext_open(&model, (void *)begin, size);
    if (error == EDGETEXT_OK) {
        size_t labels = edgetext_labels(&model), place = align(begin + size);
        results = (double *)place;
        scratch = (int32_t *)(results + 1 + labels);
        begin = align((size_t)(scratch + EDGETEXT_SCRATCH(labels)));
        if (!has(place, (double)(begin - place))) __builtin_trap();
    }
    return error;
}

EXPORT(error) const char *web_error(int error) { return edgetext_error(error); }

EXPORT(labels) size_t web_labels(void) { return edgetext_labels(&model); }

EXPORT(label) const char *web_label(size_t index) { return edgetext_label(&model, index); }

EXPORT(results) const double *web_results(void) { return results; }

/* Score the text of `length` bytes that was written. Return the index of its label; the results hold the rest. */
EXPORT(score) size_t web_score(size_t length)
{
    return edgetext_score(&model, (char *)begin, length, results + 1, scratch, results);
}

/* The parts of the text that are found, and a place in it, in bytes and as an index into a JavaScript string. */
struct parts {
    const unsigned char *text;
    double (*part)[4]; /* kind, start, end, effect */
    size_t count, byte, index;
    int full;
};

/* Return how many UTF-16 units a character of UTF-8 has; 0 for all of its bytes but the first. */
static size_t units(unsigned char byte) { return (byte & 0xC0) == 0x80 ? 0 : byte < 0xF0 ? 1 : 2; }

/* Return the index of a byte. Parts are near each other, so the steps from the last place are few. */
static double to_index(struct parts *parts, size_t byte)
{
    while (parts->byte < byte) parts->index += units(parts->text[parts->byte++]);
    while (parts->byte > byte) parts->index -= units(parts->text[--parts->byte]);
    return (double)parts->index;
}

static void add(void *context, const edgetext_part *found)
{
    struct parts *parts = context;
    double *part = parts->part[parts->count];
    if (parts->full || !has((size_t)part, sizeof *parts->part)) {
        parts->full = 1;
        return;
    }
    part[0] = found->kind;
    part[1] = to_index(parts, found->start);
    part[2] = to_index(parts, found->end);
    part[3] = found->effect;
    parts->count++;
}

/* Return where the parts of the text of `length` bytes begin. */
EXPORT(parts) size_t web_parts(size_t length) { return align(begin + length); }

/* Find the parts of the text and their effects on a label. Return how many there are; 0 if memory is full; or an error.
 */
EXPORT(explain) int web_explain(size_t length, size_t label)
{
    struct parts parts = {(unsigned char *)begin, (double (*)[4])web_parts(length), 0, 0, 0, 0};
    int error = edgetext_explain(&model, (char *)begin, length, label, add, &parts);
    return error != EDGETEXT_OK ? error : parts.full ? 0 : (int)parts.count;
}
