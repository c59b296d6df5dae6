/* What compiled.py has a C program do: score or time texts with the library of runtime/c.
 *
 *     library MODEL about
 *     library MODEL score TEXTS
 *     library MODEL time TEXTS
 *
 * TEXTS and answers are as in peer.c.
 */
#define _POSIX_C_SOURCE 200809L

#include "edgetext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP 200 /* texts that are classified before the first that is timed */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *content = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(file);
        rewind(file);
        content = malloc(*size + 1);
        if (content && fread(content, 1, *size, file) != *size) content = NULL;
    }
    if (!content) {
        fprintf(stderr, "error: %s: cannot be read\n", path);
        exit(2);
    }
    content[*size] = '\0';
    fclose(file);
    return content;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Classify all texts, or the first `most`; print what is asked for in `form`, nothing for NULL. */
static void classify(const edgetext *model, const char *texts, const char *end, long most, const char *form)
{
    size_t count = edgetext_labels(model), index, best;
    double *probabilities = malloc(count * sizeof *probabilities), known;
    int32_t *scratch = malloc(EDGETEXT_SCRATCH(count) * sizeof *scratch);
    const char *between = "";
    while (texts < end && most--) {
        char *text;
        size_t length = strtoul(texts, &text, 10);
        long long before = now(), taken;
        best = edgetext_score(model, ++text, length, probabilities, scratch, &known);
        taken = now() - before;
        texts = text + length;
        if (!form) continue;
        printf("%s", between);
        between = ", ";
        if (!strcmp(form, "time")) {
            printf("%lld", taken);
            continue;
        }
        printf("[\"%s\", [", edgetext_label(model, best)); /* the labels of reviews need no escapes */
        for (index = 0; index < count; index++) printf("%s%.17g", index ? ", " : "", probabilities[index]);
        printf("]]");
    }
    free(probabilities);
    free(scratch);
}

int main(int count, char **arguments)
{
    size_t size, length;
    char *block, *texts;
    edgetext model;
    if (count == 3 && !strcmp(arguments[2], "about")) {
        printf("{\"runtime\": \"edgetext.c %s\"}\n", EDGETEXT_VERSION);
        return 0;
    }
    if (count != 4) {
        fprintf(stderr, "usage: %s MODEL about|score|time [TEXTS]\n", arguments[0]);
        return 2;
    }
    block = read_file(arguments[1], &size);
    if (edgetext_open(&model, block, size) != EDGETEXT_OK) {
        fprintf(stderr, "error: %s: not a model\n", arguments[1]);
        return 2;
    }
    texts = read_file(arguments[3], &length);
    classify(&model, texts, texts + length, WARM_UP, NULL);
    printf("{\"%s\": [", strcmp(arguments[2], "time") ? "answers" : "text_to_label");
    classify(&model, texts, texts + length, -1, arguments[2]);
    printf("]}\n");
    return 0;
}
