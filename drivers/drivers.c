/*
 * Which driver drives what: a row for each `compatible`. A row's order counts within its stage.
 */
#include "drivers/drivers.h"

#include "drivers/aplic.h"
#include "drivers/imsic.h"
#include "drivers/plic.h"
#include "drivers/rtc.h"
#include "drivers/uart.h"
#include "drivers/virtio.h"
#include "kernel/devices.h"

static const struct driver rows[] = {
    /* stage, compatible, bytes of registers, a register to try: offset, width */
    {DRIVERS_CONSOLE, "ns16550a", 6, 5, 1, uart_start},
    {DRIVERS_IRQ, "riscv,imsics", 0x1000, 0, 4, imsic_start},
    {DRIVERS_IRQ, "riscv,aplic", 0x4000, 0, 4, aplic_start},
    {DRIVERS_IRQ, "riscv,plic0", 0x202000, 4, 4, plic_start},
    {DRIVERS_IRQ, "sifive,plic-1.0.0", 0x202000, 4, 4, plic_start},
    {DRIVERS_OTHER, "google,goldfish-rtc", 8, 4, 4, rtc_start},
    {DRIVERS_OTHER, "virtio,mmio", 0x110, 0, 4, virtio_add},
};

void drivers_start(enum driver_stage stage) {
    devices_start(rows, sizeof(rows) / sizeof(rows[0]), stage);
}
