/*
 * The Mandelbrot set as text, one character a point. `mandelbrot [WIDTH [HEIGHT]]`.
 */
#include <stdio.h>
#include <stdlib.h>

static int escape_time(double cx, double cy, int limit) {
    double x = 0, y = 0;
    int n = 0;
    while (n < limit && x * x + y * y <= 4) {
        double t = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = t;
        n++;
    }
    return n;
}

int main(int argc, char **argv) {
    static const char shades[] = " .,:;-+=oahkbd*#%@";
    int width = argc > 1 ? atoi(argv[1]) : 78;
    int height = argc > 2 ? atoi(argv[2]) : 32;
    int limit = (int)sizeof(shades) * 12;
    for (int row = 0; row < height; row++) {
        for (int col = 0; col < width; col++) {
            double cx = -2.2 + 3.2 * col / width, cy = -1.25 + 2.5 * row / height;
            int n = escape_time(cx, cy, limit);
            int shade = n == limit ? (int)sizeof(shades) - 2 : n % ((int)sizeof(shades) - 2);
            putchar(shades[shade]);
        }
        putchar('\n');
    }
    return 0;
}
