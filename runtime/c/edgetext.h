/* edgetext: classify short texts with a model that was trained by the edgetext toolkit.
 *
 * A model is one block of bytes, which `python export/to_c.py` writes. It holds everything that scoring needs: labels,
 * words and weights. The library is C99 without dependencies. It allocates no memory and has no global state, so
 * threads may share a model, and a block may lie in flash, in a mapped file or in an array, at any address.
 *
 *     edgetext model;
 *     double probabilities[2];
 *     int error = edgetext_open(&model, block, size);
 *     if (error != EDGETEXT_OK) { puts(edgetext_error(error)); return 1; }
 *     size_t label = edgetext_score(&model, text, strlen(text), probabilities, NULL, NULL);
 *     printf("%s %.4f\n", edgetext_label(&model, label), probabilities[label]);
 *
 * Texts are UTF-8 with a pointer and a length in bytes, and may contain NUL bytes. What is not UTF-8 separates words in
 * models of the rule set words-1, and is part of an unknown word in those of keras-imdb.
 */
#ifndef EDGETEXT_H
#define EDGETEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGETEXT_VERSION "0.1.0"

/* What edgetext_open returns; edgetext_error has the texts. */
enum {
    EDGETEXT_OK = 0,
    EDGETEXT_NOT_A_MODEL = -1,    /* the block does not begin as a model does */
    EDGETEXT_TRUNCATED = -2,      /* the block has fewer bytes than the model */
    EDGETEXT_DAMAGED = -3,        /* the checksum differs */
    EDGETEXT_UNSUPPORTED = -4,    /* the model needs what this version does not know */
    EDGETEXT_INVALID = -5,        /* the checksum is right, and a size or offset is impossible */
    EDGETEXT_NO_EXPLANATION = -6, /* the network has no weights of words */
    EDGETEXT_TOO_LONG = -7        /* there are bytes behind the model, such as a second one */
};

/* An open model. Its members are private. It is valid as long as the block; there is nothing to close. */
typedef struct {
    const unsigned char *block, *words, *floats, *unigrams, *bigrams, *characters;
    uint32_t size, flags, outputs, labels, tokens, max_length, buckets, multipliers[3];
    uint32_t shortest, longest, character_buckets, most; /* of character n-grams */
    uint32_t width, layers;                              /* of the network of averages */
    uint32_t slots, probes, longest_word;                /* of the words */
    double exponent;
} edgetext;

/* Check a block of `size` bytes, which is the size of its file, and prepare `model`. Everything in the block is
 * checked, its checksum included, so later calls cannot fail or read outside of it. Return EDGETEXT_OK or an error. */
int edgetext_open(edgetext *model, const void *block, size_t size);

/* Return the text of an error, in English, without a newline. */
const char *edgetext_error(int error);

/* Return the number of labels, at least 2. */
size_t edgetext_labels(const edgetext *model);

/* Return a label, in UTF-8 with a NUL at its end; NULL if `index` is not less than the number of labels. */
const char *edgetext_label(const edgetext *model, size_t index);

/* The number of integers that `scratch` must have room for in edgetext_score. */
#define EDGETEXT_SCRATCH(labels) (3 * (labels))

/* Score a text and return the index of the most probable label; of equal ones the first.
 *
 * - `probabilities` gets the probability of each label, 0 to 1; it has room for edgetext_labels(model) numbers.
 * - `scratch` is memory to compute in, EDGETEXT_SCRATCH(edgetext_labels(model)) numbers. It is not used, and may be
 *   NULL, for up to 21 labels.
 * - `known` gets the share of the words read that the model knows, 0 to 1, and 0 for a text without words. It may be
 *   NULL.
 */
size_t edgetext_score(const edgetext *model, const char *text, size_t length, double *probabilities, int32_t *scratch,
                      double *known);

/* Return how many bytes a text has before the first that is not UTF-8; `length` if all of it is. */
size_t edgetext_valid_length(const char *text, size_t length);

/* A part of a text with its effect. */
enum {
    EDGETEXT_BIAS,       /* what the model adds to every text; it has no place */
    EDGETEXT_WORD,       /* a known word */
    EDGETEXT_UNKNOWN,    /* an unknown word, usually without an effect */
    EDGETEXT_PAIR,       /* two neighbouring words */
    EDGETEXT_TRIPLE,     /* three neighbouring words */
    EDGETEXT_CHARACTERS, /* the characters of an unknown word, or of a run of letters that are words of their own */
    EDGETEXT_BEGINNING   /* the start of the text and the first word or two */
};
typedef struct {
    int kind;
    size_t start, end; /* its place in the text, in bytes */
    double effect;     /* what it adds to the logit of the label */
} edgetext_part;
typedef void edgetext_visitor(void *context, const edgetext_part *part);

/* Call `visit` with each part of a text and its effect on the logit of a label, in the order of the text except for
 * characters, which may follow. The effects add up to the logit. A model of two labels has one logit, log(p / (1 - p))
 * of the second label's probability p, and for the first label its negative. Return EDGETEXT_OK, or
 * EDGETEXT_NO_EXPLANATION for the network of the preset tutorial. */
int edgetext_explain(const edgetext *model, const char *text, size_t length, size_t label, edgetext_visitor *visit,
                     void *context);

#ifdef __cplusplus
}
#endif

#endif
