/* What happens before main: the vector table, the floating-point unit, and variables. */
#include "semihosting.h"

/* From firmware.ld. */
extern uint32_t stack_top[], data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[];

int main(void);
void reset(void);

void reset(void)
{
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* the register CPACR: allow the floating-point unit */
    __asm volatile("dsb\n\tisb");
#endif
    for (uint32_t *to = data_begin, *from = data_in_flash; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_begin; to < bss_end;) *to++ = 0;
    host_exit(main());
}

static void fault(void)
{
    host_print(host_open(8), "error: a fault stopped the processor\n");
    host_exit(2);
}

/* The stack's begin, and the first exceptions: reset, NMI and the faults. No interrupt is used. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*exceptions[6])(void);
} vectors = {stack_top, {reset, fault, fault, fault, fault, fault}};
