/* Standard output and standard error of the command edgetext-c. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { OK = 0, MISTAKE = 2 }; /* exit codes */

/* Print parts, the last of them NULL, as one line on standard error. */
void say(const char *part, ...);

/* Print an error and exit with MISTAKE. */
void fail(const char *subject, const char *reason);

/* Return a number in digits, within `space`: as it is, and in groups of three with commas between. */
const char *decimal(char space[32], size_t number);
const char *grouped(char space[32], size_t number);

/* Prepare standard output: SIGINT, SIGTERM and SIGHUP then end the process after a complete result, with the exit code
 * 128 plus their number. */
void open_output(const struct stat *status);

/* Collect bytes of a result, which ends with a line feed and has no other. */
void put(const char *bytes, size_t count);
void put_string(const char *string);

/* Write what was collected. */
void flush(void);

/* Wait until a descriptor that does not block is ready for an event of poll. */
void wait_for(int descriptor, short event);

/* Put a number from 0 to 1: with four decimals, and as Python's repr, in the fewest digits that mean no other number.
 */
void put_rounded(double number);
void put_shortest(double number);

/* Put a text of UTF-8: with spaces for what is not printable, in at most `most` characters, of which the last is an
 * ellipsis if the text has more; and as a string of JSON. */
void put_plain(const char *text, size_t length, size_t most);
void put_json(const char *text, size_t length);

/* Return the number of bytes of the character at the start of a text, which is UTF-8 and not empty, and set `point`. */
size_t decode(const char *text, uint32_t *point);

/* Return whether a code point is in one of the ranges of a sorted table. */
int is_in(const uint32_t (*table)[2], size_t count, uint32_t point);
#define IS_IN(table, point) is_in(table, sizeof table / sizeof table[0], point)

#endif
