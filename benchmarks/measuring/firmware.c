/* Measures scoring on a Cortex-M: the main function of the firmware in runtime/examples/firmware for measurements.
 *
 * The input is texts, each behind its length in bytes and a newline. For each it prints a line: the label's index, the
 * instructions and the bytes of stack that scoring took, then the bits of the share of known words and of each
 * probability, hexadecimal. The first line is about opening the model: its error, instructions, stack, and the bytes of
 * `edgetext`. With QEMU's `-icount shift=0` an instruction takes 1 ns, so that a tick of the 25 MHz counter SysTick is
 * 40 instructions.
 */
#include "edgetext.h"
#include "semihosting.h"

extern const unsigned char model_begin[], model_end[];

enum { MOST_BYTES = 1 << 20, MOST_LABELS = 21, PAINTED = 2048, PAINT = 0x5A5A5A5A, INSTRUCTIONS_PER_TICK = 40 };
static char text[MOST_BYTES];
static double probabilities[MOST_LABELS], known;
static edgetext model;
static int32_t output;

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010; /* control, reload value, current value */

static void print_number(uint64_t number, unsigned base, char end)
{
    char digits[21];
    size_t at = sizeof digits;
    digits[--at] = end;
    do digits[--at] = "0123456789abcdef"[number % base];
    while (number /= base);
    host_write(output, digits + at, sizeof digits - at);
}

static void print_bits(double value, char end)
{
    union {
        double value;
        uint64_t bits;
    } as = {value};
    print_number(as.bits, 16, end);
}

/* Open the model, or score a text; print what it returned, the instructions and the stack. The frames of what is called
 * lie below this one's, where the memory is painted before. */
static void measure(int opens, size_t length)
{
    uint32_t *stack, used = 0;
    __asm volatile("mov %0, sp" : "=r"(stack));
    for (size_t i = 1; i <= PAINTED; i++) ((volatile uint32_t *)stack)[-(ptrdiff_t)i] = PAINT;
    uint32_t before = systick[2];
    uint32_t result = opens ? (uint32_t)-edgetext_open(&model, model_begin, (size_t)(model_end - model_begin))
                            : edgetext_score(&model, text, length, probabilities, NULL, &known);
    uint32_t ticks = (before - systick[2]) & 0xFFFFFF; /* it counts down */
    for (uint32_t i = 1; i <= PAINTED; i++)
        if (((volatile uint32_t *)stack)[-(ptrdiff_t)i] != PAINT) used = i;
    print_number(result, 10, ' ');
    print_number((uint64_t)ticks * INSTRUCTIONS_PER_TICK, 10, ' ');
    print_number(4 * used, 10, ' ');
}

/* Read the length before a text; 0 bytes at the end of the input give -1. */
static int32_t read_length(int32_t input)
{
    int32_t length = 0;
    for (char digit; host_read(input, &digit, 1);) {
        if (digit == '\n') return length;
        length = 10 * length + (digit - '0');
    }
    return -1;
}

int main(void)
{
    int32_t input = host_open(0);
    output = host_open(4);
    systick[1] = 0xFFFFFF;
    systick[0] = 5; /* on, with the processor's clock */
    measure(1, 0);
    print_number(sizeof model, 10, '\n');
    size_t labels = edgetext_labels(&model);
    for (int32_t length; (length = read_length(input)) >= 0;) {
        if (length > MOST_BYTES || labels > MOST_LABELS) return 1;
        for (size_t have = 0, got; have < (size_t)length; have += got)
            if (!(got = host_read(input, text + have, (size_t)length - have))) return 1;
        measure(0, (size_t)length);
        print_bits(known, ' ');
        for (size_t i = 0; i < labels; i++) print_bits(probabilities[i], i + 1 < labels ? ' ' : '\n');
    }
    return 0;
}
