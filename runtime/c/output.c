/* See output.h. There is no printf here: it takes more room, and more time to start, than all the rest. */
#define _POSIX_C_SOURCE 200809L

#include "output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define ATOMIC 512 /* bytes that a pipe takes all at once on every system */

static char output[1 << 16]; /* results, of which the last may be incomplete */
static size_t used;
static size_t begun; /* bytes of an incomplete result that were written */
static mode_t mode;
static volatile sig_atomic_t is_writing, stopped;

static const char HEX[] = "0123456789abcdef";

/* Characters other than space that a terminal would obey or not show. Those that Unicode has not assigned are not among
 * them. */
static const uint32_t UNPRINTABLE[][2] = {
    {0x0, 0x1F},        {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},     {0x61C, 0x61C},
    {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},     {0x1680, 0x1680},
    {0x180E, 0x180E},   {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},
    {0xE000, 0xF8FF},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
    {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0001, 0xE007F},
    {0xF0000, 0x10FFFF}};

void say(const char *part, ...)
{
    char line[1024];
    size_t count = 0;
    va_list parts;
    va_start(parts, part);
    for (; part; part = va_arg(parts, const char *))
        for (; *part && count < sizeof line - 1; part++)
            line[count++] = *part == '\n' ? ' ' : *part; /* a path may contain a line feed */
    va_end(parts);
    line[count++] = '\n';
    if (write(2, line, count) < 0) return; /* it is closed or full; continue without it */
}

void fail(const char *subject, const char *reason)
{
    say("error: ", subject, reason, (const char *)NULL);
    _exit(MISTAKE);
}

static const char *write_digits(char space[32], size_t number, int are_grouped)
{
    char *place = space + 31;
    int count = 0;
    *place = '\0';
    do {
        if (are_grouped && count && count % 3 == 0) *--place = ',';
        *--place = (char)('0' + number % 10);
        count++;
    } while (number /= 10);
    return place;
}

const char *decimal(char space[32], size_t number) { return write_digits(space, number, 0); }

const char *grouped(char space[32], size_t number) { return write_digits(space, number, 1); }

static void stop(int number)
{
    stopped = number;
    if (!is_writing) _exit(128 + number);
}

void open_output(const struct stat *status)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action, before;
    size_t index;
    mode = status->st_mode;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL); /* then write fails with EPIPE, */
    sigaction(SIGXFSZ, &action, NULL); /* and with EFBIG where files have a limit */
    action.sa_handler = stop;
    for (index = 0; index < sizeof signals / sizeof signals[0]; index++)
        if (sigaction(signals[index], NULL, &before) == 0 && before.sa_handler == SIG_DFL) /* nohup ignores SIGHUP */
            sigaction(signals[index], &action, NULL);
}

void wait_for(int descriptor, short event)
{
    struct pollfd wanted;
    wanted.fd = descriptor;
    wanted.events = event;
    poll(&wanted, 1, -1);
}

/* Return how many bytes of an incomplete result are written, of what was collected `done` bytes. */
static size_t incomplete(size_t done)
{
    size_t whole = done;
    while (whole && output[whole - 1] != '\n') whole--;
    return done - whole + (whole ? 0 : begun);
}

/* After a failed write, remove an incomplete result from the end of a file, unless another process wrote after it. */
static void remove_incomplete(size_t done)
{
    struct stat status;
    off_t end = lseek(1, 0, SEEK_CUR), whole = end - (off_t)incomplete(done);
    if (!S_ISREG(mode) || whole == end || fstat(1, &status) != 0 || status.st_size != end) return;
    if (ftruncate(1, whole) == 0) lseek(1, whole, SEEK_SET); /* else the next writer would leave a hole */
}

void flush(void)
{
    size_t done = 0;
    int is_whole = incomplete(used) == 0;
    if (used > ATOMIC || !S_ISFIFO(mode) || !is_whole) is_writing = 1; /* a signal waits until a result is complete */
    while (done < used) {
        ssize_t count = write(1, output + done, used - done);
        if (count >= 0)
            done += (size_t)count;
        else if (errno == EAGAIN)
            wait_for(1, POLLOUT);
        else if (errno == EPIPE) /* the reader has closed it, as `head` does; that is not an error */
            _exit(OK);
        else if (errno != EINTR) {
            const char *reason = strerror(errno);
            remove_incomplete(done);
            fail("standard output: ", reason);
        }
    }
    begun = incomplete(used);
    used = 0;
    if (!is_whole) return;
    is_writing = 0;
    if (stopped) _exit(128 + stopped);
}

void put(const char *bytes, size_t count)
{
    while (count) {
        size_t piece = sizeof output - used;
        if (!piece) flush();
        if (piece > count) piece = count;
        memcpy(output + used, bytes, piece);
        used += piece;
        bytes += piece;
        count -= piece;
    }
    if (begun && used && output[used - 1] == '\n') flush(); /* the rest of a result does not wait for others */
}

void put_string(const char *string) { put(string, strlen(string)); }

/* Return the mantissa of a number, which is mantissa / 2^shift. */
static uint64_t split(double number, unsigned *shift)
{
    uint64_t bits;
    unsigned exponent;
    memcpy(&bits, &number, sizeof bits);
    exponent = (unsigned)(bits >> 52);
    *shift = 1075 - (exponent ? exponent : 1);
    return (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(exponent > 0) << 52;
}

void put_rounded(double number)
{
    char digits[6] = {'0', '.', '0', '0', '0', '0'};
    unsigned shift, whole = 0, place;
    uint64_t product = split(number, &shift) * 625, rest; /* below 2^63; 10,000 is 625 * 2^4 */
    shift -= 4;
    if (shift < 64) { /* else it is below 0.00005 */
        whole = (unsigned)(product >> shift);
        rest = product << (64 - shift);
        whole += rest > (uint64_t)1 << 63 || (rest == (uint64_t)1 << 63 && whole % 2);
    }
    for (place = 5; place > 1; place--, whole /= 10) digits[place] = (char)('0' + whole % 10);
    digits[0] = (char)('0' + whole);
    put(digits, sizeof digits);
}

/* A fraction, in words of 32 bits with the lowest first. A number has at most 1,074 bits behind the point, and two more
 * are needed; `set` also writes to the two words above. */
typedef uint32_t fraction[36];

static unsigned times_ten(fraction value, size_t words)
{
    uint64_t product = 0;
    size_t word;
    for (word = 0; word < words; word++) {
        product = (uint64_t)value[word] * 10 + (product >> 32);
        value[word] = (uint32_t)product;
    }
    return (unsigned)(product >> 32);
}

/* Set `value` to bits / 2^shift. */
static void set(fraction value, size_t words, uint64_t bits, unsigned shift)
{
    unsigned place = (unsigned)(32 * words) - shift;
    uint64_t low = (bits & 0xFFFFFFFF) << place % 32, high = (bits >> 32) << place % 32;
    memset(value, 0, sizeof(fraction));
    value += place / 32;
    value[0] = (uint32_t)low;
    value[1] = (uint32_t)(low >> 32 | high);
    value[2] = (uint32_t)(high >> 32);
}

static int is_less(const fraction a, const fraction b, size_t words)
{
    while (words--)
        if (a[words] != b[words]) return a[words] < b[words];
    return 0;
}

/* Return whether a + b is 1 or more. */
static int reach_one(const fraction a, const fraction b, size_t words)
{
    uint64_t sum = 0;
    size_t word;
    for (word = 0; word < words; word++) sum = (uint64_t)a[word] + b[word] + (sum >> 32);
    return sum >> 32 != 0;
}

/* Digits are taken from the number until what is left of it is less than half the distance to the number below, or
 * lacks less than half the distance to the number above (Steele and White, 1990). */
void put_shortest(double number)
{
    fraction left, below, above; /* the last two are these halves */
    char digits[32], space[32];
    unsigned shift, digit, is_low, is_high;
    size_t zeros = 0, count = 0;
    uint64_t mantissa = split(number, &shift);
    size_t words = (shift + 2 + 31) / 32;
    if (!(number > 0 && number < 1)) {
        put(number > 0 ? "1.0" : "0.0", 3);
        return;
    }
    set(left, words, 4 * mantissa, shift + 2);
    set(below, words, mantissa == (uint64_t)1 << 52 ? 1 : 2, shift + 2); /* below a power of two, numbers are closer */
    set(above, words, 2, shift + 2);
    do {
        digit = times_ten(left, words);
        is_low = times_ten(below, words) || is_less(left, below, words);
        is_high = times_ten(above, words) || reach_one(left, above, words);
        if (digit || count || is_high)
            digits[count++] = (char)('0' + digit);
        else
            zeros++;
    } while (!is_low && !is_high);
    set(above, words, 1, 1); /* one half */
    if (is_high && (!is_low || is_less(above, left, words) || (!is_less(left, above, words) && digit % 2)))
        digits[count - 1]++;
    if (zeros < 4) {
        put("0.000", 2 + zeros);
        put(digits, count);
        return;
    }
    put(digits, 1);
    if (count > 1) put(".", 1);
    put(digits + 1, count - 1);
    put("e-0", zeros < 9 ? 3 : 2);
    put_string(decimal(space, zeros + 1));
}

size_t decode(const char *text, uint32_t *point)
{
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] < 0x80 ? 1 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4, place;
    *point = size == 1 ? byte[0] : byte[0] & (0x7Fu >> size);
    for (place = 1; place < size; place++) *point = *point << 6 | (byte[place] & 0x3F);
    return size;
}

int is_in(const uint32_t (*table)[2], size_t count, uint32_t point)
{
    for (; count && point >= (*table)[0]; table++, count--)
        if (point <= (*table)[1]) return 1;
    return 0;
}

void put_plain(const char *text, size_t length, size_t most)
{
    size_t place = 0, start = 0, size;
    uint32_t point;
    for (; place < length; place += size, most--) {
        size = decode(text + place, &point);
        if (most == 1 && place + size < length) break;
        if (!IS_IN(UNPRINTABLE, point)) continue;
        put(text + start, place - start);
        put(" ", 1);
        start = place + size;
    }
    put(text + start, place - start);
    if (place < length) put("\xE2\x80\xA6", 3);
}

void put_json(const char *text, size_t length)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t place, start = 0;
    put("\"", 1);
    for (place = 0; place < length; place++) {
        char escape[6] = {'\\', 'u', '0', '0', 0, 0};
        unsigned char byte = (unsigned char)text[place];
        const char *found = byte && (byte < 0x20 || byte == '"' || byte == '\\') ? strchr(special, byte) : NULL;
        if (byte >= 0x20 && !found) continue;
        put(text + start, place - start);
        start = place + 1;
        escape[4] = HEX[byte >> 4];
        escape[5] = HEX[byte & 15];
        if (found) escape[1] = letters[found - special];
        put(escape, found ? 2 : 6);
    }
    put(text + start, length - start);
    put("\"", 1);
}
