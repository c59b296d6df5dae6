/* Firmware that classifies texts: one line of input is a text, one line of output its label, a tab and its score. */
#include "edgetext.h"
#include "semihosting.h"

/* From model.S. */
extern const unsigned char model_begin[], model_end[];

enum { MOST_BYTES = 16384, MOST_LABELS = 21 }; /* up to that many need no memory to compute in */
static char line[MOST_BYTES];                  /* a text and its newline, and what was read with it */
static double probabilities[MOST_LABELS];
static int32_t output, errors;
static uint32_t lines, empty_lines;
static int code; /* to exit with */

/* Write a score, 0 to 1, as printf does with "%.4f": rounded by all its digits, a half to the even digit. */
static void print_score(double score)
{
    union {
        double number;
        uint64_t bits;
    } high = {score};
    high.bits &= ~(uint64_t)0x7FFFFFF; /* a product of the 26 high or 27 low bits by 20,000 is exact */
    double low = score - high.number;
    uint32_t units = (uint32_t)(score * 10000 - 0.25);
    for (;; units++) { /* up to the last whose half is reached */
        double left = (high.number * 20000 - (2 * units + 1)) + low * 20000;
        if (left < 0 || (left == 0 && units % 2 == 0)) break;
    }
    char digits[6] = {0, '.'};
    for (int i = 5; i > 1; i--, units /= 10) digits[i] = (char)('0' + units % 10);
    digits[0] = (char)('0' + units);
    host_write(output, digits, sizeof digits);
}

static void report(const char *before, uint32_t number, const char *after)
{
    char digits[10];
    size_t place = sizeof digits;
    do digits[--place] = (char)('0' + number % 10);
    while (number /= 10);
    host_print(errors, before);
    host_write(errors, digits + place, sizeof digits - place);
    host_print(errors, after);
}

static void classify(const edgetext *model, const char *text, size_t length)
{
    lines++;
    if (length && text[length - 1] == '\r') length--;
    if (edgetext_valid_length(text, length) < length) {
        report("error: line ", lines, ": not UTF-8\n");
        code = 2;
        return;
    }
    size_t blank = 0;
    while (blank < length && text[blank] == ' ') blank++;
    empty_lines += blank == length;
    size_t label = edgetext_score(model, text, length, probabilities, NULL, NULL);
    host_print(output, edgetext_label(model, label));
    host_print(output, "\t");
    print_score(probabilities[label]);
    host_print(output, "\n");
}

static void classify_lines(const edgetext *model)
{
    int32_t input = host_open(0);
    int is_long = 0;
    for (size_t have = 0, got = 1; got;) {
        got = host_read(input, line + have, sizeof line - have);
        have += got;
        size_t begin = 0;
        for (size_t i = have - got; i < have; i++) {
            if (line[i] != '\n') continue;
            if (!is_long) classify(model, line + begin, i - begin);
            is_long = 0;
            begin = i + 1;
        }
        have -= begin;
        for (size_t i = 0; i < have; i++) line[i] = line[begin + i];
        if (have == sizeof line) { /* drop the line: half of it could have another label */
            if (!is_long) report("error: line ", ++lines, ": longer than 16,383 bytes\n");
            is_long = 1, have = 0, code = 2;
        }
        if (!got && have && !is_long) classify(model, line, have);
    }
    if (empty_lines)
        report("note: empty lines that got the model's answer to a text without words: ", empty_lines, "\n");
}

int main(void)
{
    output = host_open(4);
    errors = host_open(8);
    edgetext model;
    int error = edgetext_open(&model, model_begin, (size_t)(model_end - model_begin));
    if (error || edgetext_labels(&model) > MOST_LABELS) {
        host_print(errors, "error: ");
        host_print(errors, error ? edgetext_error(error) : "the model has more than 21 labels");
        host_print(errors, "\n");
        return 2;
    }
    classify_lines(&model);
    return code;
}
