/* edgetext-c: score arguments or the lines of standard input, with the output of classify.py; for POSIX systems. */
#define _DEFAULT_SOURCE /* for MAP_ANONYMOUS and TIOCGWINSZ, which every system has and POSIX does not */

#include "detection.h"
#include "edgetext.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_LINE ((size_t)1 << 24)     /* bytes of the longest text of standard input */
#define FIRST_SIZE ((size_t)1 << 16)   /* bytes of a buffer for reading, before it grows */
#define MOST_BYTES ((size_t)200000000) /* of a model, as in classify.py */
#define UNCERTAIN "uncertain"
#define LABEL "__label__" /* comes before labels in fastText's lines */
#define END ((const char *)NULL)

static const char HELP[] =
    "usage: edgetext-c [--json] [--threshold P] MODEL [TEXT ...]\n"
    "       edgetext-c --info MODEL\n"
    "\n"
    "Classify texts with a small model. Without TEXT, read standard input, one text per line; lines\n"
    "longer than 16 MiB are refused. MODEL is a file that export/to_c.py wrote.\n"
    "\n"
    "options:\n"
    "  --json         print a JSON object per text: text, label, score, probabilities, engine, known\n"
    "                 (the share of its words that the model knows)\n"
    "  --threshold P  print the label 'uncertain' if the score is below P, 0 to 1\n"
    "  --info         show the labels and sizes of the model, then exit\n"
    "  --version      show the version, then exit\n"
    "  -h, --help     show this help, then exit\n"
    "\n"
    "columns of an output line, separated by tabs:\n"
    "  label  score  engine  text\n"
    "\n"
    "a text that begins with '-' must follow '--':\n"
    "  edgetext-c MODEL -- \"-- not a great movie\"\n"
    "\n"
    "exit codes:\n"
    "  0    every text was scored\n"
    "  2    wrong arguments, a missing or damaged model, or some texts could not be read (the others\n"
    "       were scored)\n"
    "  130  interrupted; 143 and 129: ended by SIGTERM or SIGHUP; the output still ends with a complete\n"
    "       result\n";

/* What Python takes for white space. */
static const uint32_t SPACES[][2] = {{0x9, 0xD},       {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                     {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                     {0x205F, 0x205F}, {0x3000, 0x3000}};

static edgetext model;
static double *probabilities;
static int32_t *scratch;
static double threshold = -1; /* -1 for none */
static int as_json, has_threshold, code;
static size_t columns; /* of the terminal, 0 if the output is none */

/* What was found in standard input. */
static size_t lines, invalid_lines, lines_with_nul, empty_texts;
static int has_labels, has_cr;
static const char **empty_labels; /* of empty texts: one of each */
static size_t empty_labels_count;

static void *allocate(size_t size)
{
    void *space = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) fail("not enough memory", "");
    return space;
}

static char *grow(char *buffer, size_t *size)
{
    char *larger = allocate(*size * 2);
    memcpy(larger, buffer, *size);
    munmap(buffer, *size);
    *size *= 2;
    return larger;
}

/* Return the number of bytes read, 0 at the end. */
static size_t read_some(int descriptor, const char *name, char *buffer, size_t size)
{
    for (;;) {
        ssize_t count = read(descriptor, buffer, size);
        if (count >= 0) return (size_t)count;
        if (errno == EAGAIN)
            wait_for(descriptor, POLLIN);
        else if (errno != EINTR) {
            say("error: ", name, ": ", strerror(errno), END);
            _exit(MISTAKE);
        }
    }
}

static void open_model(const char *path)
{
    struct stat status;
    size_t size = FIRST_SIZE, used = 0, count;
    void *block = MAP_FAILED;
    int error, file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        say("error: ", path, ": ", strerror(errno), " (the first argument is the model)", END);
        _exit(MISTAKE);
    }
    if (S_ISDIR(status.st_mode)) fail(path, ": this is a folder: name the .etx file in it");
    if (S_ISREG(status.st_mode) && status.st_size > 0) {
        used = (size_t)status.st_size;
        block = mmap(NULL, used, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (block == MAP_FAILED) {
        char *buffer = allocate(size);
        for (used = 0; (count = read_some(file, path, buffer + used, size - used)) > 0; used += count) {
            if (used + count > MOST_BYTES) fail(path, ": longer than 200000000 bytes, which no model is");
            if (used + count == size) buffer = grow(buffer, &size);
        }
        block = buffer;
    }
    close(file);
    error = edgetext_open(&model, block, used);
    if (error == EDGETEXT_NOT_A_MODEL && used > 1 && memcmp(block, "\x1f\x8b", 2) == 0)
        fail(path, ": this is compressed with gzip: decompress it first, such as with gunzip");
    if (error != EDGETEXT_OK) {
        say("error: ", path, ": ", edgetext_error(error), END);
        _exit(MISTAKE);
    }
    count = edgetext_labels(&model);
    probabilities = allocate(count * sizeof *probabilities);
    scratch = allocate(EDGETEXT_SCRATCH(count) * sizeof *scratch);
    empty_labels = allocate((count + 1) * sizeof *empty_labels); /* with UNCERTAIN */
    for (; has_threshold && count--;)
        if (strcmp(edgetext_label(&model, count), UNCERTAIN) == 0)
            fail(path, ": a label is called 'uncertain', so no threshold can be used");
}

static void put_info(const char *path)
{
    char space[32];
    size_t index;
    put_string(path);
    put_string(", ");
    put_string(grouped(space, model.size));
    put_string(" bytes\nwords       vocabulary of ");
    put_string(grouped(space, model.tokens));
    put_string(" ids; ");
    put_string(grouped(space, model.max_length));
    put_string(" ids of a text are read\nlabels      ");
    for (index = 0; index < edgetext_labels(&model); index++) {
        put_string(index ? ", " : "");
        put_string(edgetext_label(&model, index));
    }
    put_string("\n");
}

/* Return how many columns a label takes with the score and the engine behind it, each of which ends at a tab stop. */
static size_t measure_start(const char *label)
{
    size_t width = 0;
    for (; *label; label++) width += (*label & 0xC0) != 0x80;
    return (width | 7) + 1 + 16;
}

static void put_fields(const char *label, double score, double known)
{
    size_t index;
    put_string(", \"label\": ");
    put_json(label, strlen(label));
    put_string(", \"score\": ");
    put_shortest(score);
    put_string(", \"probabilities\": {");
    for (index = 0; index < edgetext_labels(&model); index++) {
        const char *name = edgetext_label(&model, index);
        put_string(index ? ", " : "");
        put_json(name, strlen(name));
        put_string(": ");
        put_shortest(probabilities[index]);
    }
    put_string("}, \"engine\": \"c\", \"known\": ");
    put_shortest(known);
}

/* Score a text, write the result, and return the label in it. */
static const char *score(const char *text, size_t length)
{
    double known;
    size_t best = edgetext_score(&model, text, length, probabilities, scratch, &known);
    const char *label = probabilities[best] < threshold ? UNCERTAIN : edgetext_label(&model, best);
    if (as_json) {
        put_string("{\"text\": ");
        put_json(text, length);
        put_fields(label, probabilities[best], known);
        put_string("}\n");
    } else {
        size_t most = measure_start(label) + 1;
        most = columns > most + 10 ? columns - most : 10;
        put_string(label);
        put_string("\t");
        put_rounded(probabilities[best]);
        put_string("\tc\t");
        put_plain(text, length, columns ? most : length);
        put_string("\n");
    }
    return label;
}

/* Return where a text begins without the white space around it, and set its length. */
static char *strip(char *text, size_t *length)
{
    size_t place, size, start = *length, end = *length;
    uint32_t point;
    for (place = 0; place < *length; place += size) {
        size = decode(text + place, &point);
        if (IS_IN(SPACES, point)) continue;
        if (start == *length) start = place;
        end = place + size;
    }
    *length = end - start;
    return text + start;
}

static void score_arguments(char **texts, size_t count)
{
    char space[32];
    size_t index;
    struct stat status;
    for (index = 0; index < count; index++)
        if (stat(texts[index], &status) == 0 && S_ISREG(status.st_mode)) {
            say("note: ", texts[index], " is a file, and its name was scored: '< ", texts[index], "' scores its lines",
                END);
            break;
        }
    for (index = 0; index < count; index++) {
        size_t length = strlen(texts[index]), stripped = length;
        const char *fault = edgetext_valid_length(texts[index], length) < length ? " is not UTF-8"
                            : (strip(texts[index], &stripped), stripped)         ? NULL
                                                                                 : " is empty";
        if (fault) {
            say("error: text ", decimal(space, index + 1), fault, END);
            code = MISTAKE;
        } else
            score(texts[index], length);
        flush();
    }
}

static int is_label(const char *text, const char *end)
{
    return (size_t)(end - text) >= strlen(LABEL) && memcmp(text, LABEL, strlen(LABEL)) == 0;
}

/* Return the text of fastText's line, which is changed unless it has one label, at its start. */
static char *leave_out_labels(char *line, size_t *length)
{
    char *end = line + *length, *rest = memchr(line, ' ', *length), *place;
    size_t kept = 0, size;
    uint32_t point;
    int in_word = 0, in_label = 0;
    rest = rest ? rest : end;
    for (place = rest; place < end && !is_label(place, end);) place++;
    if (place == end && is_label(line, end) && !memchr(line, '\t', (size_t)(rest - line))) {
        *length = (size_t)(end - rest);
        return strip(rest, length);
    }
    for (place = line; place < end; place += size) {
        size = decode(place, &point);
        if (IS_IN(SPACES, point)) {
            in_word = 0;
            continue;
        }
        if (!in_word) {
            in_label = is_label(place, end);
            if (!in_label && kept) line[kept++] = ' ';
        }
        in_word = 1;
        if (in_label) continue;
        memmove(line + kept, place, size);
        kept += size;
    }
    *length = kept;
    return line;
}

/* Report what keeps a line from being scored; return whether there is such a thing. */
static int has_fault(const char *line, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    char first[32], second[32], byte[] = "00";
    const char *number = decimal(first, lines);
    size_t valid;
    if (length > MAX_LINE) {
        say("error: line ", number, ": longer than 16 MiB: split it", END);
        return 1;
    }
    valid = edgetext_valid_length(line, length);
    if (valid == length) return 0;
    byte[0] = hex[(unsigned char)line[valid] >> 4];
    byte[1] = hex[line[valid] & 15];
    say("error: line ", number, ": not UTF-8 (byte 0x", byte, " at ", decimal(second, valid + 1), ")", END);
    invalid_lines++;
    return 1;
}

/* Read the first bytes of standard input; return how many are a byte order mark. */
static size_t look_at_start(const char *start, size_t length)
{
    size_t mark = length >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    refuse_other_files(start, length);
    has_labels = is_label(start + mark, start + length);
    if (has_labels) say("note: fastText's lines: the labels are left out of the texts", END);
    if (is_json(start + mark, length - mark))
        say("note: each line is scored as it is: classify.py --jsonl FIELD would read a table", END);
    return mark;
}

static void count_empty(const char *label)
{
    size_t index = 0;
    empty_texts++;
    while (index < empty_labels_count && empty_labels[index] != label) index++;
    if (index == empty_labels_count) empty_labels[empty_labels_count++] = label;
}

/* Score a line without its line feed, or report it if it is only the start of one that is too long. `have` is how many
 * bytes of the input were read from its start on. */
static void score_line(char *line, size_t length, size_t have)
{
    const char *label;
    size_t stripped;
    if (++lines == 1) {
        size_t mark = look_at_start(line, have);
        line += mark;
        length -= mark;
    }
    if (has_fault(line, length)) {
        code = MISTAKE;
        return;
    }
    while (length && line[length - 1] == '\r') length--;
    lines_with_nul += memchr(line, 0, length) != NULL;
    has_cr = lines == 1 && memchr(line, '\r', length);
    if (has_labels) line = leave_out_labels(line, &length);
    stripped = length;
    strip(line, &stripped);
    label = score(line, length);
    if (!stripped) count_empty(label);
}

static void score_input(int is_live)
{
    size_t size = FIRST_SIZE, used = 0, start, count = 1;
    char *buffer = allocate(size), *found;
    int is_skipping = 0; /* the rest of a line that is too long */
    while (count) {
        if (is_live) flush(); /* somebody may be waiting for the answers */
        count = read_some(0, "standard input", buffer + used, size - used);
        start = 0;
        /* Only what was read just now can have a line feed. */
        for (found = memchr(buffer + used, '\n', count), used += count; found;
             found = memchr(buffer + start, '\n', used - start)) {
            if (!is_skipping) score_line(buffer + start, (size_t)(found - buffer) - start, used - start);
            is_skipping = 0;
            start = (size_t)(found - buffer) + 1;
        }
        if (is_skipping)
            start = used;
        else if (used - start > MAX_LINE + 3) { /* with a byte order mark */
            score_line(buffer + start, used - start, used - start);
            is_skipping = 1;
            start = used;
        }
        memmove(buffer, buffer + start, used - start);
        used -= start;
        if (used == size) buffer = grow(buffer, &size);
    }
    if (lines == 0 && used == 3 && memcmp(buffer, "\xef\xbb\xbf", 3) == 0) return; /* a byte order mark is no text */
    if (used) score_line(buffer, used, used);
}

/* Say what may have been meant where lines look as if they were read wrongly. */
static void advise(void)
{
    char space[32], answers[512] = "";
    size_t index;
    for (index = 0; index < empty_labels_count; index++) {
        if (strlen(answers) + strlen(empty_labels[index]) + 5 > sizeof answers) break;
        strcat(answers, index ? " or " : "");
        strcat(answers, empty_labels[index]);
    }
    if (empty_texts)
        say("note: ", grouped(space, empty_texts), empty_texts == 1 ? " empty text was" : " empty texts were",
            " labelled ", answers, ", the model's answer to a text without words", END);
    if (invalid_lines > 2)
        say("note: ", grouped(space, invalid_lines),
            " lines are not UTF-8: convert them first, such as with iconv -f windows-1252 -t utf-8", END);
    if (lines_with_nul)
        say("note: ", grouped(space, lines_with_nul), lines_with_nul == 1 ? " line has" : " lines have",
            " NUL characters: if this is UTF-16, convert it first, such as with iconv -f utf-16le -t utf-8", END);
    if (lines == 1 && has_cr)
        say("note: read as one line, with carriage returns in it: if these end lines, use tr '\\r' '\\n'", END);
}

/* Return an exponent, such as that of 1e-2, and move to the text behind it; 0 if there is none. */
static int read_exponent(const char **text)
{
    const char *place = *text;
    int number = 0, is_negative;
    if (*place != 'e' && *place != 'E') return 0;
    is_negative = *++place == '-';
    if (*place == '-' || *place == '+') place++;
    for (; *place >= '0' && *place <= '9'; *text = ++place)
        if (number < 1000) number = number * 10 + (*place - '0');
    return is_negative ? -number : number;
}

/* Return a number from 0 to 1 that is written in decimals, such as 0.8 or 8e-1. */
static double read_threshold(const char *text)
{
    double number = 0, scale = 1; /* both are exact, so their quotient is rounded once */
    size_t digits = 0, significant = 0;
    int has_point = 0, places = 0;
    for (; text && (*text == '.' ? !has_point : *text >= '0' && *text <= '9'); text++) {
        if (*text == '.') {
            has_point = 1;
            continue;
        }
        number = number * 10 + (*text - '0');
        digits++;
        significant += number > 0;
        places += has_point;
    }
    if (digits) places -= read_exponent(&text);
    if (significant > 15) fail("--threshold", " must have at most 15 digits, such as 0.8");
    for (; places > 0 && scale < 1e22; places--) scale *= 10; /* the largest power of ten that is exact */
    for (; places < 0 && number <= 1; places++) number *= 10;
    if (!text || *text || !digits || places || number > scale)
        fail("--threshold", " must be a number from 0 to 1, such as 0.8");
    return number / scale;
}

int main(int count, char **arguments)
{
    struct stat input, status;
    struct winsize window;
    int index, is_info = 0, only_texts = 0, kept = 0;
    if (fstat(1, &status) != 0) fail("standard output is closed", "");
    open_output(&status);
    for (index = 1; index < count; index++) { /* what is no option is moved to the front */
        const char *argument = arguments[index];
        if (only_texts || argument[0] != '-' || !argument[1])
            arguments[kept++] = arguments[index];
        else if (strcmp(argument, "--") == 0)
            only_texts = 1;
        else if (strcmp(argument, "--json") == 0)
            as_json = 1;
        else if (strcmp(argument, "--info") == 0)
            is_info = 1;
        else if (strncmp(argument, "--threshold=", 12) == 0 || strcmp(argument, "--threshold") == 0) {
            has_threshold = 1;
            threshold = read_threshold(argument[11] ? argument + 12 : arguments[++index]);
        } else if (strcmp(argument, "--version") == 0 || strcmp(argument, "--help") == 0 ||
                   strcmp(argument, "-h") == 0) {
            put_string(argument[2] == 'v' ? "edgetext-c " EDGETEXT_VERSION "\n" : HELP);
            flush();
            return OK;
        } else
            fail(argument, ": there is no such option; --help lists them, and texts that begin with '-' follow '--'");
    }
    if (!kept) fail("no model", ": edgetext-c MODEL < lines; --help shows more");
    if (is_info && (kept > 1 || as_json || has_threshold)) fail("--info", " takes a model and nothing else");
    if (kept == 2 && !only_texts && strcmp(arguments[1], "-") == 0)
        fail("'-' is not a text", ": standard input is read if no text is given");
    open_model(arguments[0]);
    if (ioctl(1, TIOCGWINSZ, &window) == 0) columns = window.ws_col;
    if (is_info)
        put_info(arguments[0]);
    else if (kept > 1)
        score_arguments(arguments + 1, (size_t)kept - 1);
    else {
        if (isatty(0) || fstat(0, &input) != 0)
            fail("no text", ": give one as an argument (\"great movie\"), or pipe lines in");
        if (S_ISREG(input.st_mode) && input.st_dev == status.st_dev && input.st_ino == status.st_ino)
            fail("the input is the output as well", ": write the results to another file");
        score_input(!S_ISREG(input.st_mode));
    }
    flush();
    advise();
    return code;
}
