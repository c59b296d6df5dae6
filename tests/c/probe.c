/* What tests ask the library: answers in full, and whether damaged models harm it.
 *
 *     probe MODEL < TEXTS              print the answers to texts, each of which comes behind its length and a line
 * feed probe MODEL COUNT SEED < TEXTS   damage the model in many ways and score the texts with what is still a model
 *
 * With -DFUZZ it is a target of libFuzzer instead.
 */
#include "edgetext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1, CHECKSUM = 2, FLAGS = 4, SHORTEST = 16, HEADER = 32 };

static uint32_t get(const unsigned char *block, size_t index)
{
    const unsigned char *at = block + index * 4;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void set(unsigned char *block, size_t index, uint32_t value)
{
    size_t place;
    for (place = 0; place < 4; place++) block[index * 4 + place] = (unsigned char)(value >> 8 * place);
}

/* Make the checksum right. */
static void add_checksum(unsigned char *block, size_t size)
{
    uint32_t a = 0, b = 0;
    size_t index;
    for (index = FLAGS; index < size / 4; index++) b += a += get(block, index);
    set(block, CHECKSUM, a);
    set(block, CHECKSUM + 1, b);
}

static void add_effect(void *context, const edgetext_part *part) { *(double *)context += part->effect; }

/* Score a text from memory of exactly its size, and check what must hold for every model. Return whether it opened. */
static int try_model(const unsigned char *block, size_t size, const unsigned char *text, size_t length)
{
    edgetext model;
    int error = edgetext_open(&model, block, size);
    char *copy = malloc(length + !length);
    double *probabilities, known, sum = 0;
    int32_t *scratch;
    size_t index, count, best;
    if (error == EDGETEXT_OK) {
        count = edgetext_labels(&model);
        probabilities = malloc(count * sizeof *probabilities);
        scratch = malloc(EDGETEXT_SCRATCH(count) * sizeof *scratch);
        if (length) memcpy(copy, text, length);
        best = edgetext_score(&model, copy, length, probabilities, scratch, &known);
        if (best >= count || !(known >= 0 && known <= 1)) abort();
        for (index = 0; index < count; index++) {
            if (!strlen(edgetext_label(&model, index)) && count > 65536) abort();
            if (!(probabilities[index] >= 0 && probabilities[index] <= probabilities[best])) abort();
            sum += probabilities[index];
        }
        if (!(sum > 0.999 && sum < 1.001)) abort();
        edgetext_explain(&model, copy, length, best, add_effect, &sum);
        free(probabilities);
        free(scratch);
    } else if (!strcmp(edgetext_error(error), "unknown error"))
        abort();
    free(copy);
    return error == EDGETEXT_OK;
}

#ifdef FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the length of the text in two bytes, whether the size and checksum are put right, the text, and a block.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length, left;
    unsigned char *block;
    if (size < 3) return 0;
    length = data[0] | (size_t)data[1] << 8;
    length = length < size - 3 ? length : size - 3;
    left = size - 3 - length;
    if (!(data[2] & 1)) left &= ~(size_t)3;
    block = malloc(left + !left);
    if (left) memcpy(block, data + 3 + length, left);
    if (!(data[2] & 1) && left >= HEADER * 4) {
        set(block, SIZE, (uint32_t)left);
        add_checksum(block, left);
    }
    try_model(block, left, data + 3, length);
    free(block);
    return 0;
}

#else

static size_t read_all(FILE *file, unsigned char **content)
{
    size_t size = 0, room = 1 << 16, count;
    *content = malloc(room);
    while ((count = fread(*content + size, 1, room - size, file)) > 0) {
        size += count;
        if (size == room) *content = realloc(*content, room *= 2);
    }
    return size;
}

/* Return the next text, NULL at the end. */
static const unsigned char *next_text(const unsigned char **place, const unsigned char *end, size_t *length)
{
    const unsigned char *text;
    if (*place >= end) return NULL;
    for (*length = 0; **place != '\n'; (*place)++) *length = *length * 10 + (size_t)(**place - '0');
    text = *place + 1;
    *place = text + *length;
    return text;
}

static void print_part(void *context, const edgetext_part *part)
{
    (void)context;
    printf(" %d,%lu,%lu,%a", part->kind, (unsigned long)part->start, (unsigned long)part->end, part->effect);
}

static void print_answers(const edgetext *model, const unsigned char *place, const unsigned char *end, int is_short)
{
    size_t count = edgetext_labels(model), length, index, best;
    double *probabilities = malloc(count * sizeof *probabilities), known;
    int32_t *scratch = malloc(EDGETEXT_SCRATCH(count) * sizeof *scratch);
    const char *text;
    while ((text = (const char *)next_text(&place, end, &length)) != NULL) {
        best = edgetext_score(model, text, length, probabilities, scratch, &known);
        printf("%lu %a", (unsigned long)best, known);
        for (index = 0; index < count; index++) printf(" %a", probabilities[index]);
        for (index = 0; index < count && !is_short; index++) {
            printf(";");
            edgetext_explain(model, text, length, index, print_part, NULL);
        }
        printf("\n");
    }
    free(probabilities);
    free(scratch);
}

static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Set each number of the header to extremes and to its neighbours, try all flags, then flip bits at random, and score a
 * text in turn with each result. */
static void damage(unsigned char *block, size_t size, uint32_t count, uint32_t state, const unsigned char *texts,
                   const unsigned char *end)
{
    static const uint32_t extremes[] = {0,          1,          2,          3,          15,         16,
                                        255,        0x8000,     0x10000,    0x10001,    0x1000001,  0x7FFFFFFF,
                                        0x80000000, 0x7FF00000, 0xFFF00000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF};
    unsigned char *copy = malloc(size);
    const unsigned char *place = texts, *text;
    size_t length, index, kinds = sizeof extremes / sizeof extremes[0], number, opened = 0;
    size_t neighbours = HEADER * kinds, all_flags = neighbours + HEADER * 4, flips = all_flags + 256;
    for (number = 0; number < flips + count; number++) {
        memcpy(copy, block, size);
        if (number < neighbours)
            set(copy, number / kinds, extremes[number % kinds]);
        else if (number < all_flags) {
            index = (number - neighbours) / 4;
            set(copy, index, get(block, index) + (uint32_t[]){1, 16, 0xFFFFFFFF, 0xFFFFFFF0}[number % 4]);
        } else if (number < flips) {
            set(copy, FLAGS, (uint32_t)(number - all_flags));
            for (index = 0; index < 4 && !get(block, SHORTEST); index++) set(copy, SHORTEST + index, 1u << index);
        } else
            for (index = draw(&state) % 4 + 1; index--;) {
                /* Half of the flips are in the header and the sections that come first, which decide the most. */
                size_t within = draw(&state) % 2 && size > 1024 ? 1024 : size;
                copy[draw(&state) % within] ^= (unsigned char)(1u << draw(&state) % 8);
            }
        if (number < flips || draw(&state) % 4) add_checksum(copy, size);
        text = next_text(&place, end, &length);
        if (!text) {
            place = texts;
            text = next_text(&place, end, &length);
        }
        opened += (size_t)try_model(copy, size, text, length);
    }
    printf("%lu of %lu opened\n", (unsigned long)opened, (unsigned long)number);
    free(copy);
}

int main(int count, char **arguments)
{
    FILE *file = count > 1 ? fopen(arguments[1], "rb") : NULL;
    unsigned char *block, *texts;
    size_t size, length;
    edgetext model;
    if (!file) return 2;
    size = read_all(file, &block);
    length = read_all(stdin, &texts);
    if (edgetext_open(&model, block, size) != EDGETEXT_OK) return 2;
    if (count > 3)
        damage(block, size, (uint32_t)atol(arguments[2]), (uint32_t)atol(arguments[3]), texts, texts + length);
    else
        print_answers(&model, texts, texts + length, count > 2);
    fclose(file);
    free(block);
    free(texts);
    return 0;
}

#endif
