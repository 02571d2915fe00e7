/*
 * What the payload inject and its domains of test/kernel/domain/trade.c agree on.
 */
#ifndef TEST_KERNEL_DOMAIN_TRADE_H
#define TEST_KERNEL_DOMAIN_TRADE_H

/* Which side a domain is, by its argument; h1 is the endpoint. */
enum trade_side { TRADE_SELLER, TRADE_BUYER };

/* How it ends: well; because there was no memory for it or for the other side; or it saw what cannot be. */
enum trade_exit { TRADE_DONE, TRADE_SHORT = 1, TRADE_WRONG = 2 };

#endif
