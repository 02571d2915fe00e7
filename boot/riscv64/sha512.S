/*
 * The inner function of SHA-512 (FIPS 180-4, chapter 6.4) with the rotations and byte swaps of Zbb.
 *
 *     void sha512_block_zbb(uint64_t state[8], const uint8_t block[128])    8-aligned block
 *
 * State, message schedule and temporaries are all in registers, 28 of them, which is why this is
 * assembly: compilers spill. 24 instructions a round and 13 a word of the schedule.
 */
    .option norelax

/* a to h, the sixteen words of the schedule, the round constants' address, three temporaries. */
#define A s0
#define B s1
#define C s2
#define D s3
#define E s4
#define F s5
#define G s6
#define H s7
#define K t0
#define T t1
#define M t2
#define N ra

    .equ FRAME, 128
    .equ FRAME_STATE, 0
    .equ FRAME_END, 8
    .equ FRAME_SAVED, 16

/* to = rotations of x by r1 and r2, and rotation r3 or shift s3, xored. `tmp` is lost. */
.macro sigma to, tmp, x, r1, r2, r3
    rori \to, \x, \r1
    rori \tmp, \x, \r2
    xor \to, \to, \tmp
    rori \tmp, \x, \r3
    xor \to, \to, \tmp
.endm
.macro sigma_shift to, tmp, x, r1, r2, s3
    rori \to, \x, \r1
    rori \tmp, \x, \r2
    xor \to, \to, \tmp
    srli \tmp, \x, \s3
    xor \to, \to, \tmp
.endm
/* One big-endian word of the block, whose address is in K. */
.macro load w, at
    ld \w, \at(K)
    rev8 \w, \w
.endm
/* On entry bc is b ^ c; on exit ab is a ^ b, which is the next round's. Maj is b ^ (a ^ b & b ^ c). */
.macro round a, b, c, d, e, f, g, h, w, bc, ab, at
    ld T, \at(K)
    add \h, \h, \w
    add \h, \h, T
    sigma T, \ab, \e, 14, 18, 41
    add \h, \h, T
    xor T, \f, \g
    and T, T, \e
    xor T, T, \g
    add \h, \h, T
    add \d, \d, \h
    sigma T, \ab, \a, 28, 34, 39
    add \h, \h, T
    xor \ab, \a, \b
    and \bc, \bc, \ab
    xor \bc, \bc, \b
    add \h, \h, \bc
.endm

/* w[i] of the next sixteen rounds, from w[i], w[i + 1], w[i + 9] and w[i + 14]. M is kept. */
.macro schedule w, w1, w9, w14
    sigma_shift T, N, \w1, 1, 8, 7
    add \w, \w, T
    add \w, \w, \w9
    sigma_shift T, N, \w14, 19, 61, 6
    add \w, \w, T
.endm

    .option arch, +zbb
    .section .text.sha512_block_zbb, "ax"
    .globl sha512_block_zbb
sha512_block_zbb:
    addi sp, sp, -FRAME
    sd a0, FRAME_STATE(sp)
    .set at, FRAME_SAVED
    .irp r, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    sd \r, at(sp)
    .set at, at + 8
    .endr
    mv K, a1
    .set at, 0
    .irp r, A, B, C, D, E, F, G, H
    ld \r, at(a0)
    .set at, at + 8
    .endr
    .set at, 0
    .irp w, a0, a1, a2, a3, a4, a5, a6, a7, s8, s9, s10, s11, t3, t4, t5, t6
    load \w, at
    .set at, at + 8
    .endr
    lla K, sha512_constants
    addi T, K, 4 * 128
    sd T, FRAME_END(sp)
    xor M, B, C
    j 2f
1:  addi K, K, 128
    schedule a0, a1, s9, t5
    schedule a1, a2, s10, t6
    schedule a2, a3, s11, a0
    schedule a3, a4, t3, a1
    schedule a4, a5, t4, a2
    schedule a5, a6, t5, a3
    schedule a6, a7, t6, a4
    schedule a7, s8, a0, a5
    schedule s8, s9, a1, a6
    schedule s9, s10, a2, a7
    schedule s10, s11, a3, s8
    schedule s11, t3, a4, s9
    schedule t3, t4, a5, s10
    schedule t4, t5, a6, s11
    schedule t5, t6, a7, t3
    schedule t6, a0, s8, t4
2:
    round A, B, C, D, E, F, G, H, a0, M, N, 0
    round H, A, B, C, D, E, F, G, a1, N, M, 8
    round G, H, A, B, C, D, E, F, a2, M, N, 16
    round F, G, H, A, B, C, D, E, a3, N, M, 24
    round E, F, G, H, A, B, C, D, a4, M, N, 32
    round D, E, F, G, H, A, B, C, a5, N, M, 40
    round C, D, E, F, G, H, A, B, a6, M, N, 48
    round B, C, D, E, F, G, H, A, a7, N, M, 56
    round A, B, C, D, E, F, G, H, s8, M, N, 64
    round H, A, B, C, D, E, F, G, s9, N, M, 72
    round G, H, A, B, C, D, E, F, s10, M, N, 80
    round F, G, H, A, B, C, D, E, s11, N, M, 88
    round E, F, G, H, A, B, C, D, t3, M, N, 96
    round D, E, F, G, H, A, B, C, t4, N, M, 104
    round C, D, E, F, G, H, A, B, t5, M, N, 112
    round B, C, D, E, F, G, H, A, t6, N, M, 120
    ld T, FRAME_END(sp)
    bne K, T, 1b
    ld T, FRAME_STATE(sp)
    .set at, 0
    .irp r, A, B, C, D, E, F, G, H
    ld M, at(T)
    add \r, \r, M
    sd \r, at(T)
    .set at, at + 8
    .endr
    .set at, FRAME_SAVED
    .irp r, ra, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
    ld \r, at(sp)
    .set at, at + 8
    .endr
    addi sp, sp, FRAME
    ret

    .section .rodata.sha512, "a"
    .balign 8
    .globl sha512_constants
sha512_constants:
    .dword 0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc
    .dword 0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118
    .dword 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2
    .dword 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694
    .dword 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65
    .dword 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5
    .dword 0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4
    .dword 0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70
    .dword 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df
    .dword 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b
    .dword 0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30
    .dword 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8
    .dword 0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8
    .dword 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3
    .dword 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec
    .dword 0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b
    .dword 0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178
    .dword 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b
    .dword 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c
    .dword 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817
