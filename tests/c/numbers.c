/* Print each number on standard input, written by "%a", as the command does: shortest, and with four decimals. */
#include "output.h"

#include <stdio.h>
#include <unistd.h>

int main(void)
{
    struct stat status;
    double number;
    if (fstat(STDOUT_FILENO, &status) != 0) return 2;
    open_output(&status);
    while (scanf("%lf", &number) == 1) {
        put_shortest(number);
        put_string(" ");
        put_rounded(number);
        put_string("\n");
    }
    flush();
    return 0;
}
