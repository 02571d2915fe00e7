/*
 * A table of handles at its limit: nobody gets one more, the places of dead handles are given out again, and it
 * grows for nobody. And which handles count as receivers.
 *
 * QEMU: -smp 1
 * TIMEOUT: 60
 */
#include "abi/boot.h"
#include "abi/syscall.h"
#include "init/machine.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/handle.h"
#include "kernel/limits.h"
#include "test/support/payload.h"

static void fill(struct handle_table *table, handle_t first) {
    handle_t handle;
    status_t status = STATUS_OK;
    while (status == STATUS_OK) {
        status = handle_duplicate(table, first, RIGHT_SEND, 0, &handle);
    }
    PAYLOAD_CHECK_EQ(status, STATUS_LIMIT);
    PAYLOAD_CHECK_EQ(handle_count(table), HANDLE_MAX);
}

/* How many of the handles that are made now are what they should be. */
static unsigned make_more(struct handle_table *table, handle_t first, struct kobject *object,
                          unsigned len) {
    struct kobject *found;
    handle_t handle;
    unsigned right = 0;
    for (unsigned i = 0; i < len; i++) {
        if (handle_duplicate(table, first, RIGHT_SEND, 0, &handle) == STATUS_OK &&
            handle_get(table, handle, object->kind, RIGHT_SEND, &found) == STATUS_OK) {
            right += found == object;
            kobject_put(found);
        }
    }
    return right;
}

static handle_t derive(struct handle_table *table, handle_t handle, uint32_t rights) {
    handle_t derived = 0;
    PAYLOAD_CHECK_EQ(handle_duplicate(table, handle, rights, 0, &derived), STATUS_OK);
    return derived;
}

/* Who may receive counts until it is closed, or revoked, whichever comes first. */
static void test_receivers(struct handle_table *table) {
    struct kobject *endpoint = NULL;
    handle_t first = 0;
    PAYLOAD_CHECK_EQ(endpoint_new(&endpoint), STATUS_OK);
    kobject_get(endpoint);
    PAYLOAD_CHECK_EQ(handle_add(table, endpoint, RIGHT_ALL, 0, &first), STATUS_OK);
    handle_t child = derive(table, first, RIGHT_ALL);
    handle_t grandchild = derive(table, child, RIGHT_ALL);
    handle_t sender = derive(table, child, RIGHT_SEND);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 3);
    PAYLOAD_CHECK_EQ(handle_revoke(table, child), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 2);
    PAYLOAD_CHECK_EQ(handle_close(table, grandchild), STATUS_OK);
    PAYLOAD_CHECK_EQ(handle_close(table, sender), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 2);
    grandchild = derive(table, child, RIGHT_RECEIVE);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 3);
    PAYLOAD_CHECK_EQ(handle_revoke(table, first), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 1);
    PAYLOAD_CHECK_EQ(handle_close(table, child), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 1);
    child = derive(table, first, RIGHT_RECEIVE);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 2);
    PAYLOAD_CHECK_EQ(handle_close(table, first), STATUS_OK);
    PAYLOAD_CHECK_EQ(handle_close(table, grandchild), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 1);
    PAYLOAD_CHECK_EQ(handle_close(table, child), STATUS_OK);
    PAYLOAD_CHECK_EQ(endpoint->receivers, 0);
    kobject_put(endpoint);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    enum { MORE = 100 };
    struct handle_table *table = NULL;
    struct kobject *endpoint = NULL;
    handle_t first = 0;
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK_EQ(endpoint_new(&endpoint), STATUS_OK);
    PAYLOAD_CHECK_EQ(handle_table_new(&table), STATUS_OK);
    test_receivers(table);
    PAYLOAD_CHECK_EQ(handle_add(table, endpoint, RIGHT_ALL, 0, &first), STATUS_OK);
    fill(table, first);
    PAYLOAD_CHECK_EQ(handle_revoke(table, first), STATUS_OK);
    PAYLOAD_CHECK_EQ(make_more(table, first, endpoint, MORE), MORE);
    PAYLOAD_CHECK_EQ(handle_count(table), HANDLE_MAX);
    PAYLOAD_CHECK_EQ(table->cap, HANDLE_MAX);
    fill(table, first);
    handle_table_free(table);
    PAYLOAD_CHECK_EQ(kobject_count(), 0);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
