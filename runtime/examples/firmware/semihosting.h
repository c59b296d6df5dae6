/* Input and output by semihosting: the debugger, or QEMU in its place, reads and writes for the processor. A product
 * has a UART or a radio instead of this file. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

/* Ask the host for one of the operations of Arm's semihosting specification. */
static inline int32_t host_call(uint32_t operation, const uint32_t *arguments)
{
    register uint32_t r0 __asm("r0") = operation;
    register const uint32_t *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

/* Open the host's standard streams, called ":tt" there: mode 0 is input, 4 output, 8 errors. Return a handle, or -1. */
static inline int32_t host_open(uint32_t mode)
{
    return host_call(0x01, (uint32_t[]){(uint32_t)(uintptr_t)":tt", mode, 3});
}

/* Read up to `size` bytes and return how many there were; 0 at the end of the input. */
static inline size_t host_read(int32_t handle, void *to, size_t size)
{
    int32_t missing = host_call(0x06, (uint32_t[]){(uint32_t)handle, (uint32_t)(uintptr_t)to, size});
    return missing < 0 ? 0 : size - (size_t)missing;
}

static inline void host_write(int32_t handle, const void *from, size_t size)
{
    (void)host_call(0x05, (uint32_t[]){(uint32_t)handle, (uint32_t)(uintptr_t)from, size});
}

static inline void host_print(int32_t handle, const char *text)
{
    size_t size = 0;
    while (text[size]) size++;
    host_write(handle, text, size);
}

/* End with an exit code; this does not return. */
static inline void host_exit(int code)
{
    for (;;) (void)host_call(0x20, (uint32_t[]){0x20026, (uint32_t)code}); /* 0x20026: the application ended */
}

#endif
