/*
 * For tests of file systems whose answers may be anything: some of everything, whatever comes of it.
 */
#ifndef TEST_SUPPORT_NINEP_USE_H
#define TEST_SUPPORT_NINEP_USE_H

#include "fs/node.h"

void ninep_use(struct node *dir);

#endif
