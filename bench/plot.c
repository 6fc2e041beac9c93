// SPDX-License-Identifier: MIT
/*
 * bench-plot: the charts of bench/run.sh, from summary.csv and machine.csv in a
 * folder, as SVG beside them
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_ROWS	8192
#define COLUMNS		8

/* struct row - a measurement */
struct row {
	char peer[32], version[64], op[64], set[16], shape[64];
	int threads;
	double us, gops;
};

/* struct roofs - of one core */
struct roofs {
	double gops;
	struct {
		char name[16];
		double rate;		/* 1e9 bytes a second */
	} reads[4];
	int count;
};

static struct row rows[MAX_ROWS];
static size_t row_count;
static struct roofs roofs;

#define OURS	"#0b5fa5"
#define THEIRS	"#d9822b"
#define FLOATS	"#b9c0c7"
#define INK	"#24292f"
#define FAINT	"#e4e7ea"

/* ---------------------------------------------------------------- input -- */

static bool parse_row(char *line, struct row *r)
{
	char *field[COLUMNS], *slash;
	int n = 0;

	line[strcspn(line, "\n")] = 0;
	while (n < COLUMNS && (field[n] = strsep(&line, ",")))
		n++;
	if (n < 7 || !(slash = strchr(field[3], '/')))
		return false;
	*slash = 0;
	snprintf(r->peer, sizeof(r->peer), "%s", field[0]);
	snprintf(r->version, sizeof(r->version), "%s", field[1]);
	snprintf(r->op, sizeof(r->op), "%s", field[2]);
	snprintf(r->set, sizeof(r->set), "%s", field[3]);
	snprintf(r->shape, sizeof(r->shape), "%s", slash + 1);
	r->threads = atoi(field[4]);
	r->us = atof(field[5]);
	r->gops = atof(field[6]);
	return r->us > 0;
}

static FILE *open_in(const char *dir, const char *name, const char *mode)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, mode);
	if (!file)
		perror(path);
	return file;
}

static bool load(const char *dir)
{
	FILE *file = open_in(dir, "summary.csv", "r");
	char line[512], name[16];
	double value;

	if (!file)
		return false;
	while (row_count < MAX_ROWS && fgets(line, sizeof(line), file))
		row_count += parse_row(line, &rows[row_count]);
	fclose(file);
	file = open_in(dir, "machine.csv", "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "peak,%15[^,],%lf", name, &value) == 2)
			roofs.gops = value;
		if (sscanf(line, "read,%15[^,],%lf", name, &value) == 2 &&
		    roofs.count < 4) {
			strcpy(roofs.reads[roofs.count].name, name);
			roofs.reads[roofs.count++].rate = value;
		}
	}
	fclose(file);
	return true;
}

static bool is_float(const struct row *r)
{
	return strstr(r->op, "f32");
}

/* Products without requantization are another thing. */
static bool is_raw(const struct row *r)
{
	return strstr(r->op, "s32");
}

static bool is_ours(const struct row *r)
{
	return !strcmp(r->peer, "qaccel");
}

static const struct row *best_row(const char *set, const char *shape, bool ours)
{
	const struct row *best = NULL;

	for (const struct row *r = rows; r < rows + row_count; r++)
		if (r->threads == 1 && is_ours(r) == ours && !is_float(r) &&
		    !is_raw(r) && !strcmp(r->set, set) &&
		    !strcmp(r->shape, shape) && (!best || r->us < best->us))
			best = r;
	return best;
}

/* Debian's version of a snapshot is long; its date says as much. */
static void label_of(const struct row *r, char *text, size_t size)
{
	const char *git = strstr(r->version, "git2");

	if (git && strlen(git) > 8)
		snprintf(text, size, "%s %.4s-%.2s %s", r->peer, git + 3,
			 git + 7, r->op);
	else
		snprintf(text, size, "%s %s %s", r->peer, r->version, r->op);
}

/* ------------------------------------------------------------------ svg -- */

static FILE *svg;

static void start_svg(int width, int height, const char *title)
{
	fprintf(svg, "<!-- SPDX-License-Identifier: MIT -->\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"viewBox=\"0 0 %d %d\" font-family=\"Helvetica,Arial,"
		"DejaVu Sans,sans-serif\" font-size=\"12\" fill=\"" INK "\">\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
		"<text x=\"16\" y=\"26\" font-size=\"16\" "
		"font-weight=\"bold\">%s</text>\n",
		width, height, width, height, title);
}

__attribute__((format(printf, 4, 5)))
static void text(double x, double y, const char *style, const char *format, ...)
{
	va_list args;

	fprintf(svg, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
	va_start(args, format);
	vfprintf(svg, format, args);
	va_end(args);
	fprintf(svg, "</text>\n");
}

static void line(double x1, double y1, double x2, double y2, const char *style)
{
	fprintf(svg, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		"%s/>\n", x1, y1, x2, y2, style);
}

/* A circle, for depthwise layers a triangle, for products a square. */
static void mark(double x, double y, enum layer_kind kind, const char *style)
{
	if (kind == CONV)
		fprintf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" %s/>\n",
			x, y, style);
	else if (kind == GEMM)
		fprintf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7.5\" "
			"height=\"7.5\" %s/>\n", x - 3.75, y - 3.75, style);
	else
		fprintf(svg, "<path d=\"M%.1f %.1fl4.8 8.4h-9.6z\" %s/>\n", x,
			y - 5.2, style);
}

/* ------------------------------------------------------------- roofline -- */

#define LEFT	64.0
#define RIGHT	864.0
#define TOP	80.0
#define BOTTOM	540.0
#define MIN_X	1.0
#define MAX_X	2000.0
#define MIN_Y	10.0
#define MAX_Y	1000.0

static double at_x(double intensity)
{
	return LEFT + (RIGHT - LEFT) * log(intensity / MIN_X) /
			      log(MAX_X / MIN_X);
}

static double at_y(double gops)
{
	return BOTTOM - (BOTTOM - TOP) * log(gops / MIN_Y) /
				log(MAX_Y / MIN_Y);
}

static void draw_grid(void)
{
	static const double xs[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000,
				     2000 };
	static const double ys[] = { 10, 20, 50, 100, 200, 500, 1000 };

	for (size_t i = 0; i < sizeof(xs) / sizeof(*xs); i++) {
		line(at_x(xs[i]), TOP, at_x(xs[i]), BOTTOM,
		     "stroke=\"" FAINT "\"");
		text(at_x(xs[i]), BOTTOM + 18, "text-anchor=\"middle\"", "%g",
		     xs[i]);
	}
	for (size_t i = 0; i < sizeof(ys) / sizeof(*ys); i++) {
		line(LEFT, at_y(ys[i]), RIGHT, at_y(ys[i]),
		     "stroke=\"" FAINT "\"");
		text(LEFT - 8, at_y(ys[i]) + 4, "text-anchor=\"end\"", "%g",
		     ys[i]);
	}
	text((LEFT + RIGHT) / 2, BOTTOM + 40, "text-anchor=\"middle\"",
	     "operations for each byte of input, weights and output");
	text(20, (TOP + BOTTOM) / 2,
	     "text-anchor=\"middle\" transform=\"rotate(-90 20 310)\"",
	     "GOPS (2 for each multiply-accumulate)");
}

static void draw_roofs(void)
{
	static const char *const dashes[] = { "2 3", "6 4", "10 4", "" };

	if (roofs.gops <= 0)
		return;
	line(at_x(MIN_X), at_y(roofs.gops), RIGHT, at_y(roofs.gops),
	     "stroke=\"" INK "\" stroke-width=\"1.5\"");
	text(RIGHT - 4, at_y(roofs.gops) - 7, "text-anchor=\"end\"",
	     "best instruction: %.0f GOPS", roofs.gops);
	for (int i = 0; i < roofs.count; i++) {
		double rate = roofs.reads[i].rate;
		double from = fmax(MIN_X, MIN_Y / rate), to = roofs.gops / rate;
		char style[128], place[128];
		double x = from * pow(to / from, 0.45);

		/* As fast as the next level: one line is enough. */
		if (i + 1 < roofs.count && rate < 1.25 * roofs.reads[i + 1].rate)
			continue;
		snprintf(style, sizeof(style), "stroke=\"" INK "\" "
			 "stroke-dasharray=\"%s\"", dashes[i]);
		line(at_x(from), at_y(from * rate), at_x(to), at_y(roofs.gops),
		     style);
		snprintf(place, sizeof(place), "font-size=\"11\" "
			 "transform=\"rotate(%.1f %.1f %.1f)\"",
			 -atan2(at_y(1 * rate) - at_y(10 * rate),
				at_x(10) - at_x(1)) * 180 / acos(-1),
			 at_x(x), at_y(x * rate) - 5);
		text(at_x(x), at_y(x * rate) - 5, place, "%s %.0f GB/s",
		     roofs.reads[i].name, rate);
	}
}

static void draw_layer(const char *set, const struct layer *layer)
{
	const struct row *ours = best_row(set, layer->name, true);
	const struct row *theirs = best_row(set, layer->name, false);
	double x = at_x(2 * layer_macs(layer) / layer_bytes(layer));

	if (!ours)
		return;
	if (theirs) {
		line(x, at_y(theirs->gops), x, at_y(ours->gops),
		     "stroke=\"#9aa3ab\"");
		mark(x, at_y(theirs->gops), layer->kind,
		     "fill=\"#fff\" stroke=\"" THEIRS "\" stroke-width=\"1.5\"");
	}
	mark(x, at_y(ours->gops), layer->kind,
	     "fill=\"" OURS "\" fill-opacity=\"0.85\"");
}

static void draw_key(double y)
{
	static const char *const kinds[] = {
		[GEMM] = "product, fully connected",
		[CONV] = "convolution",
		[DEPTHWISE] = "depthwise convolution",
	};
	double x = LEFT + 250;

	mark(LEFT + 5, y - 4, CONV, "fill=\"" OURS "\"");
	text(LEFT + 14, y, "", "qaccel");
	mark(LEFT + 75, y - 4, CONV,
	     "fill=\"#fff\" stroke=\"" THEIRS "\" stroke-width=\"1.5\"");
	text(LEFT + 84, y, "", "the fastest other int8");
	for (int i = 0; i < 3; i++) {
		mark(x, y - 4, (enum layer_kind)i, "fill=\"" INK "\"");
		text(x + 9, y, "", "%s", kinds[i]);
		x += 30 + 6.6 * (double)strlen(kinds[i]);
	}
}

static void draw_roofline(void)
{
	start_svg(890, 600, "Layers of MobileNet V1, V2, ResNet-50 and matrix "
		  "products, one core");
	draw_grid();
	draw_roofs();
	for (const struct layer_set *s = layer_sets; s->name; s++)
		for (size_t i = 0; i < s->count; i++)
			draw_layer(s->name, &s->layers[i]);
	draw_key(56);
	fprintf(svg, "</svg>\n");
}

/* --------------------------------------------------------------- totals -- */

#define BAR_LEFT	250.0
#define BAR_RIGHT	800.0
#define BAR_STEP	22

static int by_time(const void *a, const void *b)
{
	double x = (*(const struct row *const *)a)->us;
	double y = (*(const struct row *const *)b)->us;

	return (x > y) - (x < y);
}

static size_t totals_of(const char *set, const struct row **found, size_t max)
{
	size_t n = 0;

	for (const struct row *r = rows; r < rows + row_count && n < max; r++)
		if (r->threads == 1 && !strcmp(r->set, set) &&
		    !strcmp(r->shape, "TOTAL_seq"))
			found[n++] = r;
	qsort(found, n, sizeof(*found), by_time);
	return n;
}

/* The sum of the layers, each measured alone, of the same program. */
static double sum_of(const struct row *seq)
{
	for (const struct row *r = rows; r < rows + row_count; r++)
		if (r->threads == seq->threads && !strcmp(r->set, seq->set) &&
		    !strcmp(r->shape, "TOTAL_sum") &&
		    !strcmp(r->peer, seq->peer) && !strcmp(r->op, seq->op) &&
		    !strcmp(r->version, seq->version))
			return r->us;
	return 0;
}

static void draw_bar(const struct row *r, double y, double scale)
{
	const char *color = is_ours(r) ? OURS : is_float(r) ? FLOATS : THEIRS;
	double sum = sum_of(r) * scale;
	char label[160];

	label_of(r, label, sizeof(label));
	text(BAR_LEFT - 8, y + 12, is_ours(r) ?
	     "text-anchor=\"end\" font-weight=\"bold\"" :
	     "text-anchor=\"end\"", "%s", label);
	fprintf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\" "
		"fill=\"%s\"/>\n", BAR_LEFT, y, r->us * scale, color);
	if (sum > 0 && sum < r->us * scale)
		line(BAR_LEFT + sum, y + 1, BAR_LEFT + sum, y + 15,
		     "stroke=\"#fff\" stroke-width=\"2.5\"");
	text(BAR_LEFT + fmax(r->us, 0) * scale + 6, y + 12, "", "%.2f ms",
	     r->us / 1e3);
}

static double draw_panel(const char *set, const char *title, double y)
{
	const struct row *found[64];
	size_t n = totals_of(set, found, 64);

	if (!n)
		return y;
	text(BAR_LEFT, y, "font-size=\"13\" font-weight=\"bold\"", "%s", title);
	y += 10;
	for (size_t i = 0; i < n; i++, y += BAR_STEP)
		draw_bar(found[i], y,
			 (BAR_RIGHT - BAR_LEFT) / found[n - 1]->us);
	return y + 28;
}

static void draw_totals(void)
{
	static const char *const sets[][2] = {
		{ "mv1", "MobileNet V1 1.0 224" },
		{ "mv2", "MobileNet V2 1.0 224" },
		{ "rn50", "ResNet-50 v1.5 224" },
	};
	const struct row *found[64];
	int height = 80;
	double y = 86;

	for (int i = 0; i < 3; i++)
		height += 38 + BAR_STEP * (int)totals_of(sets[i][0], found, 64);
	start_svg(890, height, "All layers of a network in order, one core");
	text(16, 46, "", "Bar: every layer with its own weights and buffers. "
	     "White line: the sum of the layers, each alone and hot.");
	for (int i = 0; i < 3; i++)
		y = draw_panel(sets[i][0], sets[i][1], y);
	fprintf(svg, "</svg>\n");
}

static bool write_chart(const char *dir, const char *name, void (*draw)(void))
{
	svg = open_in(dir, name, "w");
	if (!svg)
		return false;
	draw();
	return !fclose(svg);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fputs("usage: bench-plot DIR\n", stderr), 2;
	return !load(argv[1]) ||
	       !write_chart(argv[1], "performance-roofline.svg",
			    draw_roofline) ||
	       !write_chart(argv[1], "performance-totals.svg", draw_totals);
}
