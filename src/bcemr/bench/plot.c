/* SPDX-License-Identifier: Apache-2.0 */
/* The plot: for each operation its floor and itself, as bars. */
#include "bcemr/bench/result.h"

#include <errno.h>
#include <inttypes.h>

#define WIDTH 900
#define LEFT 270
#define RIGHT 150
#define ROW 40
#define TOP 70

static void bar(FILE *f, double y, double width, const char *colour)
{
    (void)fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", LEFT,
                  y, width, colour);
}

static void one(FILE *f, const measure_result *m, double y, double scale)
{
    const double longer = m->min > m->floor ? m->min : m->floor;
    (void)fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 10, y + 18,
                  m->operation->name);
    bar(f, y, m->floor * scale, "#9aa5b1");
    bar(f, y + 14, m->min * scale, m->ratio <= MEASURE_DUE ? "#2f6f4f" : "#b3402e");
    (void)fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">%.1f us, %.2f</text>\n",
                  LEFT + longer * scale + 8, y + 18, m->min, m->ratio);
}

static void draw(FILE *f, const result *r)
{
    double most = 1;
    for (uint64_t i = 0; i < r->operation_count; i++) {
        const measure_result *m = &r->operations[i];
        most = m->min > most ? m->min : most;
        most = m->floor > most ? m->floor : most;
    }
    const double scale = (WIDTH - LEFT - RIGHT) / most;
    (void)fprintf(f,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%" PRIu64
                  "\" font-family=\"sans-serif\" font-size=\"13\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  WIDTH, TOP + ROW * r->operation_count + 20);
    (void)fprintf(f,
                  "<text x=\"20\" y=\"28\" font-size=\"17\">Operations and their floors%s"
                  "</text>\n",
                  r->quick ? " (a short run: its times mean nothing)" : "");
    (void)fprintf(f,
                  "<text x=\"20\" y=\"50\">grey: sum of the primitives; green: the operation, "
                  "red where it is over %.2f of that; least of %" PRIu64 " runs</text>\n",
                  MEASURE_DUE, r->operations[0].rounds);
    for (uint64_t i = 0; i < r->operation_count; i++)
        one(f, &r->operations[i], TOP + ROW * (double)i, scale);
    (void)fprintf(f, "</svg>\n");
}

bool result_plot(const result *r, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    draw(f, r);
    const bool failed = ferror(f) != 0;
    const bool closed = fclose(f) == 0;
    return closed && !failed;
}
