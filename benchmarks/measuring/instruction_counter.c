/* Counts the instructions that an emulated processor executes: a plugin for Debian 12's qemu-user (interface 1).
 *
 *     cc -O2 -shared -fPIC benchmarks/measuring/instruction_counter.c -o counter.so
 *     qemu-aarch64 -plugin ./counter.so,out=count.txt ...
 *
 * When the process ends, the number is in the file. A process of one thread is counted exactly; threads may miss some
 * of each other's. Debian packages no qemu-plugin.h: what is used of it is declared here.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*translation_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*exit_cb)(qemu_plugin_id_t id, void *data);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translation_cb callback);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op operation,
                                                     void *pointer, uint64_t value);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb callback, void *data);

int qemu_plugin_version = 1;

static uint64_t count;
static char path[4096];

/* A block of instructions is translated once: let it add its length whenever it is executed. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &count, qemu_plugin_tb_n_insns(block));
}

static void ended(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return;
    }
    fprintf(file, "%" PRIu64 "\n", count);
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || strlen(argv[0] + 4) >= sizeof path) {
        fprintf(stderr, "usage: -plugin counter.so,out=PATH\n");
        return 1;
    }
    strcpy(path, argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
