/* See detection.h. */
#include "detection.h"

#include "output.h"

#include <string.h>
#include <unistd.h>

#define HEAD 1000 /* bytes that are looked at */

/* Files that are not text, by how they begin; '?' stands for any byte. */
static const struct {
    const char *mark, *what, *fix;
} OTHERS[] = {
    {"\x1f\x8b", "this is a gzip file", ": decompress it first, such as with zcat"},
    {"PAR1", "this is a Parquet file", ": save the table as CSV"},
    {"PK\x03\x04", "this is a workbook, such as .xlsx, or a ZIP archive", ": save the table as CSV"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an Excel workbook (.xls) or another Office document",
     ": save the table as CSV"},
    {"%PDF-", "this is a PDF document", ": save its text"},
    {"BZh?1AY&SY", "this is a file compressed with bzip2", ": decompress it first"},
    {"\xFD\x37zXZ", "this is a file compressed with xz", ": decompress it first"},
    {"\x28\xb5\x2f\xfd", "this is a file compressed with Zstandard", ": decompress it first"},
};
#define TAR_MARK 257 /* bytes before the mark of a tar archive */

static int begins(const char *head, size_t length, const char *mark)
{
    for (; *mark; mark++, head++, length--)
        if (!length || (*head != *mark && *mark != '?')) return 0;
    return 1;
}

/* Return which UTF-16 a file without a byte order mark is in, by its zeros; NULL if it is in none. */
static const char *find_utf16(const char *head, size_t length)
{
    size_t zeros[2] = {0, 0}, ends[2] = {0, 0}, place, line_ends = 0, odd, most, least;
    for (place = 0; place < length; place++) {
        zeros[place % 2] += head[place] == 0;
        line_ends += head[place] == '\n';
        if (place % 2 == 0) continue;
        ends[0] += head[place] == '\n' && !head[place - 1];
        ends[1] += head[place - 1] == '\n' && !head[place];
    }
    odd = zeros[1] > zeros[0];
    most = zeros[odd];
    least = zeros[!odd];
    if (length < 6 || least * 50 > length) return NULL;
    /* Letters of other scripts than Latin have no zeros, but all line ends have. */
    if (most * 10 < length * (length < 16 ? 5 : 4) && (ends[odd] < 2 || ends[odd] != line_ends || least)) return NULL;
    return odd ? "utf-16le" : "utf-16be";
}

void refuse_other_files(const char *head, size_t length)
{
    static const char little[] = "\xff\xfe\0", big[] = "\0\0\xfe\xff";
    const char *encoding;
    size_t index;
    for (index = 0; index < sizeof OTHERS / sizeof OTHERS[0]; index++)
        if (begins(head, length, OTHERS[index].mark)) fail(OTHERS[index].what, OTHERS[index].fix);
    if (length > TAR_MARK && begins(head + TAR_MARK, length - TAR_MARK, "ustar"))
        fail("this is a tar archive", ": unpack it first");
    if (length >= 4 && (memcmp(head, little, 4) == 0 || memcmp(head, big, 4) == 0))
        encoding = "utf-32";
    else if (begins(head, length, "\xff\xfe") || begins(head, length, "\xfe\xff"))
        encoding = "utf-16";
    else
        encoding = find_utf16(head, length < HEAD ? length : HEAD);
    if (!encoding) return;
    say("error: not UTF-8: convert it first, such as with iconv -f ", encoding, " -t utf-8", (const char *)NULL);
    _exit(MISTAKE);
}

static size_t skip_spaces(const char *head, size_t length, size_t place)
{
    while (place < length && head[place] && strchr(" \t\n\v\f\r", head[place])) place++;
    return place;
}

int is_json(const char *head, size_t length)
{
    size_t place;
    length = length < HEAD ? length : HEAD;
    place = skip_spaces(head, length, 0);
    if (place < length && head[place] == '[') place = skip_spaces(head, length, place + 1);
    if (place >= length || head[place] != '{') return 0;
    place = skip_spaces(head, length, place + 1);
    if (place >= length || head[place] != '"') return 0;
    for (place++; place < length && head[place] != '"';) place += head[place] == '\\' ? 2 : 1;
    place = skip_spaces(head, length, place + 1);
    return place < length && head[place] == ':';
}
