/*
 * Turning the machine off, with an exit code where it has a test device.
 */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

/* Finds the test device in the device tree. After devices_init(). */
void power_init(void);

/* Flushes the log. code 0: success. Machines without a test device only tell 0 from not 0. */
_Noreturn void power_off(int code);
_Noreturn void power_reboot(void);

#endif
