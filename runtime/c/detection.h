/* What standard input seems to be, by its first bytes; the rules are those of runtime/edgetext/tables. */
#ifndef DETECTION_H
#define DETECTION_H

#include <stddef.h>

/* Exit with an error if the input is not text in UTF-8, such as a compressed file. */
void refuse_other_files(const char *head, size_t length);

/* Return whether the input begins as JSON lines or an array of objects do. */
int is_json(const char *head, size_t length);

#endif
