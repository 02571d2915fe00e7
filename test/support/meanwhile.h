/*
 * Put before a file of the kernel by its unit test's rule in the Makefile: what other harts do between two
 * steps of a function that takes no lock. Before each atomic load the test's meanwhile() is called with the
 * address of the word, and may play another hart there.
 */
#ifndef TEST_SUPPORT_MEANWHILE_H
#define TEST_SUPPORT_MEANWHILE_H

void meanwhile(const void *word);

#define __atomic_load_n(word, order) (meanwhile(word), __atomic_load_n(word, order))

#endif
