/* The functions of WASI preview 1 that this task uses; no libc, so the module stays small. */
#ifndef FOGBANK_WASI_H
#define FOGBANK_WASI_H

#include <stddef.h>
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))

typedef struct {
    const void *bytes;
    uint32_t length;
} Span;

enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

WASI("fd_read") uint16_t wasi_fd_read(uint32_t fd, const Span *spans, uint32_t count, uint32_t *read);
WASI("fd_write") uint16_t wasi_fd_write(uint32_t fd, const Span *spans, uint32_t count, uint32_t *written);
WASI("args_sizes_get") uint16_t wasi_args_sizes_get(uint32_t *count, uint32_t *bytes);
WASI("args_get") uint16_t wasi_args_get(char **arguments, char *bytes);
WASI("proc_exit") _Noreturn void wasi_proc_exit(uint32_t code);

#endif
