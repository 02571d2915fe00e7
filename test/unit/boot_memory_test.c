/*
 * The loader's map of physical memory: after any sequence of operations it is sorted, disjoint,
 * page-aligned and merged, and says for each page what a plain array of pages says.
 */
#include "boot/memory.h"
#include "test/support/check.h"

enum { PAGES = 64 };

static struct refusal why;

static uint64_t page(uint64_t n) {
    return n * BOOT_PAGE_SIZE;
}

static void check_form(const struct memory *m) {
    for (uint32_t i = 0; i < m->len; i++) {
        const struct boot_region *r = &m->regions[i];
        CHECK(r->start < r->end);
        CHECK_EQ((r->start | r->end) % BOOT_PAGE_SIZE, 0);
        if (i > 0) {
            CHECK(r[-1].end <= r->start);
            CHECK(r[-1].end < r->start || r[-1].kind != r->kind);
        }
    }
}

TEST(add_cuts_inwards_and_merges) {
    struct memory m = {0};
    CHECK_EQ(memory_add(&m, 1, page(4) + 100, &why), STATUS_OK);
    CHECK_EQ(m.len, 1);
    CHECK_EQ(m.regions[0].start, page(1));
    CHECK_EQ(m.regions[0].end, page(4));
    CHECK_EQ(memory_add(&m, page(4), page(6), &why), STATUS_OK);
    CHECK_EQ(m.len, 1);
    CHECK_EQ(memory_add(&m, page(10), page(12), &why), STATUS_OK);
    CHECK_EQ(memory_add(&m, 0, page(20), &why), STATUS_OK); /* covers all of them */
    CHECK_EQ(m.len, 1);
    CHECK_EQ(m.regions[0].end, page(20));
    CHECK_EQ(memory_add(&m, UINT64_MAX - 5, UINT64_MAX, &why), STATUS_OK);
    CHECK_EQ(m.len, 1);
}

TEST(first_mark_wins) {
    struct memory m = {0};
    CHECK_EQ(memory_add(&m, 0, page(10), &why), STATUS_OK);
    CHECK_EQ(memory_mark(&m, page(2), page(4), BOOT_MEMORY_FIRMWARE, &why), STATUS_OK);
    CHECK_EQ(memory_mark(&m, page(3) + 1, page(5) + 1, BOOT_MEMORY_LOADER, &why), STATUS_OK);
    check_form(&m);
    CHECK_EQ(m.len, 4);
    CHECK_EQ(m.regions[1].end, page(4));
    CHECK_EQ(m.regions[2].end, page(6)); /* outwards: the page that is touched counts */
    CHECK(memory_has(&m, 5, page(10)));
    CHECK(!memory_has(&m, 5, page(10) + 1));
}

TEST(take_from_both_ends) {
    struct memory m = {0};
    uint64_t a, b, c;
    CHECK_EQ(memory_add(&m, 0, page(10), &why), STATUS_OK);
    CHECK_EQ(memory_take(&m, BOOT_MEMORY_PAYLOAD, 1, &a, &why), STATUS_OK);
    CHECK_EQ(memory_take(&m, BOOT_MEMORY_LOADER, page(2), &b, &why), STATUS_OK);
    CHECK_EQ(memory_take(&m, BOOT_MEMORY_PAYLOAD, page(7), &c, &why), STATUS_OK);
    CHECK_EQ(a, 0);
    CHECK_EQ(b, page(8));
    CHECK_EQ(c, page(1));
    CHECK_EQ(m.len, 2);
    CHECK_EQ(memory_take(&m, BOOT_MEMORY_LOADER, 1, &b, &why), STATUS_NO_MEMORY);
    CHECK_EQ(memory_take(&m, BOOT_MEMORY_LOADER, UINT64_MAX, &b, &why), STATUS_NO_MEMORY);
}

TEST(too_many_regions_are_refused) {
    struct memory m = {0};
    for (uint64_t i = 0; i < BOOT_MAX_REGIONS; i++) {
        CHECK_EQ(memory_add(&m, page(2 * i), page(2 * i + 1), &why), STATUS_OK);
    }
    CHECK_EQ(memory_add(&m, page(1000), page(1001), &why), STATUS_LIMIT);
    CHECK_EQ(m.len, BOOT_MAX_REGIONS);
}

/* The model: one byte a page, the kind or NO_PAGE. */
enum { NO_PAGE = 99 };

static void model_set(uint8_t *model, uint64_t low, uint64_t high, uint8_t from, uint8_t to) {
    for (uint64_t i = low; i < high; i++) {
        model[i] = model[i] == from ? to : model[i];
    }
}

static void check_model(const struct memory *m, const uint8_t *model) {
    check_form(m);
    uint8_t seen[PAGES];
    memset(seen, NO_PAGE, sizeof(seen));
    for (uint32_t i = 0; i < m->len; i++) {
        for (uint64_t p = m->regions[i].start; p < m->regions[i].end; p += BOOT_PAGE_SIZE) {
            seen[p / BOOT_PAGE_SIZE] = (uint8_t)m->regions[i].kind;
        }
    }
    CHECK(memcmp(seen, model, sizeof(seen)) == 0);
}

TEST(agrees_with_an_array_of_pages) {
    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct memory m = {0};
        uint8_t model[PAGES];
        memset(model, NO_PAGE, sizeof(model));
        for (int step = 0; step < 20; step++) {
            uint64_t low = (uint64_t)rand() % PAGES, high = low + (uint64_t)rand() % (PAGES - low);
            if (rand() % 3 == 0) {
                CHECK_EQ(memory_add(&m, page(low), page(high), &why), STATUS_OK);
                model_set(model, low, high, NO_PAGE, BOOT_MEMORY_USABLE);
            } else {
                enum boot_memory_kind kind = (enum boot_memory_kind)(1 + rand() % 5);
                CHECK_EQ(memory_mark(&m, page(low), page(high), kind, &why), STATUS_OK);
                model_set(model, low, high, BOOT_MEMORY_USABLE, (uint8_t)kind);
            }
            check_model(&m, model);
        }
    }
}
CHECK_MAIN
