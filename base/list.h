/*
 * Doubly linked lists through the object (circular, with a head node).
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

#define LIST_INIT(head)                {&(head), &(head)}
#define list_entry(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))
#define list_each(node, head)                                                                      \
    for (struct list *node = (head)->next; node != (head); node = node->next)

static inline void list_init(struct list *head) {
    head->prev = head->next = head;
}
static inline bool list_empty(const struct list *head) {
    return head->next == head;
}
static inline void list_insert(struct list *after, struct list *node) {
    struct list *next = after->next;
    node->prev = after;
    node->next = next;
    next->prev = node;
    after->next = node;
}
static inline void list_push_back(struct list *head, struct list *node) {
    list_insert(head->prev, node);
}
static inline void list_push_front(struct list *head, struct list *node) {
    list_insert(head, node);
}
static inline void list_remove(struct list *node) {
    struct list *prev = node->prev, *next = node->next;
    prev->next = next;
    next->prev = prev;
    node->prev = node->next = node;
}

#endif
