// SPDX-License-Identifier: MIT
#include <math.h>

#include "curve.h"

#define WIDTH		760
#define HEIGHT		320
#define PLOT_WIDTH	290
#define PLOT_HEIGHT	210
#define PLOT_TOP	60
#define TICKS		5

/* struct plot - where a plot is, and what its axes show */
struct plot {
	const char *label, *unit;
	double left;			/* of the plot's area in the picture */
	double min, max, step;		/* vertical axis */
	double last;			/* horizontal: epochs from 1 to this, at least 2 */
	double (*train)(const struct qaccel_epoch *epoch);
	double (*test)(const struct qaccel_epoch *epoch);
};

static double train_loss(const struct qaccel_epoch *epoch)
{
	return epoch->loss;
}

static double test_loss(const struct qaccel_epoch *epoch)
{
	return epoch->test_loss;
}

static double train_accuracy(const struct qaccel_epoch *epoch)
{
	return 100 * epoch->accuracy;
}

static double test_accuracy(const struct qaccel_epoch *epoch)
{
	return 100 * epoch->test_accuracy;
}

/* ------------------------------------------------------------------- axes -- */

/* 1, 2 or 5 times a power of ten, such that count of them cover the span. */
static double nice_step(double span, int count)
{
	double power = pow(10, floor(log10(span / count)));
	double steps = span / count / power;

	return (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10) * power;
}

static void widen(double value, double *min, double *max)
{
	if (!isfinite(value))
		return;
	*min = fmin(*min, value);
	*max = fmax(*max, value);
}

static void fit_axis(const struct curve *curve, struct plot *plot)
{
	double min = INFINITY, max = -INFINITY;

	for (uint32_t i = 0; i < curve->count; i++) {
		widen(plot->train(&curve->epochs[i]), &min, &max);
		widen(plot->test(&curve->epochs[i]), &min, &max);
	}
	if (min > max)
		min = max = 0;
	if (max - min < 1e-3)
		max = min + 1e-3;
	plot->step = nice_step(max - min, TICKS);
	plot->min = floor(min / plot->step) * plot->step;
	plot->max = ceil(max / plot->step) * plot->step;
	plot->last = curve->count < 2 ? 2 : curve->count;
}

static double x_of(const struct plot *plot, double epoch)
{
	return plot->left + PLOT_WIDTH * (epoch - 1) / (plot->last - 1);
}

static double y_of(const struct plot *plot, double value)
{
	return PLOT_TOP + PLOT_HEIGHT * (plot->max - value) /
			  (plot->max - plot->min);
}

static void draw_axes(const struct plot *plot, FILE *file)
{
	int places = plot->step < 1 ? (int)ceil(-log10(plot->step) - 1e-9) : 0;
	double bottom = PLOT_TOP + PLOT_HEIGHT, step;
	int lines = (int)lround((plot->max - plot->min) / plot->step);

	for (int i = 0; i <= lines; i++) {
		double value = plot->min + i * plot->step;
		double y = y_of(plot, value);

		fprintf(file, "<path class='grid' d='M%.1f %.1fh%d'/>\n",
			plot->left, y, PLOT_WIDTH);
		fprintf(file, "<text class='right' x='%.1f' y='%.1f'>%.*f%s</text>\n",
			plot->left - 6, y + 4, places, value, plot->unit);
	}
	step = fmax(1, nice_step(plot->last - 1, TICKS));
	for (double epoch = 1; epoch <= plot->last; epoch += step)
		fprintf(file, "<path class='axis' d='M%.1f %.1fv4'/>\n<text class='middle' x='%.1f' y='%.1f'>%.0f</text>\n",
			x_of(plot, epoch), bottom, x_of(plot, epoch),
			bottom + 18, epoch);
	fprintf(file, "<path class='axis' d='M%.1f %dV%.1fh%d'/>\n", plot->left,
		PLOT_TOP, bottom, PLOT_WIDTH);
	fprintf(file, "<text class='middle' x='%.1f' y='%.1f'>epoch</text>\n",
		plot->left + PLOT_WIDTH / 2.0, bottom + 36);
	fprintf(file, "<text class='head' x='%.1f' y='%d'>%s</text>\n",
		plot->left, PLOT_TOP - 12, plot->label);
}

/* ------------------------------------------------------------------ lines -- */

/*
 * A line with its points, so that one epoch shows too, and its name beside the
 * legend's sample.
 */
static void draw_line(const struct curve *curve, const struct plot *plot,
		      double (*value)(const struct qaccel_epoch *epoch),
		      const char *name, int row, FILE *file)
{
	double x = plot->left + PLOT_WIDTH - 150 + 80 * row;
	double y = PLOT_TOP - 16;
	uint32_t drawn = 0;

	fprintf(file, "<polyline class='%s' points='", name);
	for (uint32_t i = 0; i < curve->count; i++)
		if (isfinite(value(&curve->epochs[i])) && ++drawn)
			fprintf(file, "%.1f,%.1f ", x_of(plot, i + 1),
				y_of(plot, value(&curve->epochs[i])));
	fputs("'/>\n", file);
	if (!drawn)
		return;
	for (uint32_t i = 0; i < curve->count && curve->count <= 60; i++)
		if (isfinite(value(&curve->epochs[i])))
			fprintf(file, "<circle class='%s' cx='%.1f' cy='%.1f' r='2.5'/>\n",
				name, x_of(plot, i + 1),
				y_of(plot, value(&curve->epochs[i])));
	fprintf(file, "<path class='%s' d='M%.1f %.1fh20'/>\n", name, x, y);
	fprintf(file, "<text x='%.1f' y='%.1f'>%s</text>\n", x + 26, y + 4,
		name);
}

static void draw_plot(const struct curve *curve, struct plot *plot, FILE *file)
{
	fit_axis(curve, plot);
	draw_axes(plot, file);
	draw_line(curve, plot, plot->train, "training", 0, file);
	draw_line(curve, plot, plot->test, "test", 1, file);
}

/* What XML gives a meaning, and what it can't hold, is replaced. */
static void write_text(const char *text, FILE *file)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&')
			fputs("&amp;", file);
		else if (c == '>')
			fputs("&gt;", file);
		else if (c == '<')
			fputs("&lt;", file);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, file);
	}
}

void curve_svg(const struct curve *curve, FILE *file)
{
	struct plot loss = {
		.label = "loss", .unit = "", .left = 60,
		.train = train_loss, .test = test_loss,
	};
	struct plot accuracy = {
		.label = "accuracy", .unit = " %", .left = 440,
		.train = train_accuracy, .test = test_accuracy,
	};

	fprintf(file, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	fputs("<style>\n"
	      ".grid { stroke: #ddd; }\n"
	      ".axis { stroke: #333; fill: none; }\n"
	      ".training { stroke: #b5651d; fill: none; stroke-width: 1.5; stroke-dasharray: 5 3; }\n"
	      ".test { stroke: #1f5fa8; fill: none; stroke-width: 2; }\n"
	      ".right { text-anchor: end; } .middle { text-anchor: middle; }\n"
	      ".head { font-weight: bold; }\n"
	      "circle.training, circle.test { fill: #fff; stroke-dasharray: none; }\n"
	      "</style>\n", file);
	fprintf(file, "<rect width='%d' height='%d' fill='#fff'/>\n", WIDTH,
		HEIGHT);
	fputs("<text class='head' x='20' y='24' font-size='14'>", file);
	write_text(curve->title, file);
	fputs("</text>\n", file);
	draw_plot(curve, &loss, file);
	draw_plot(curve, &accuracy, file);
	fputs("</svg>\n", file);
}

/* ------------------------------------------------------------------ table -- */

static void write_value(double value, FILE *file)
{
	if (isfinite(value))
		fprintf(file, ",%.6g", value);
	else
		fputc(',', file);
}

void curve_csv(const struct curve *curve, FILE *file)
{
	fputs("epoch,learning_rate,loss,accuracy,test_loss,test_accuracy\n",
	      file);
	for (uint32_t i = 0; i < curve->count; i++) {
		const struct qaccel_epoch *e = &curve->epochs[i];

		fprintf(file, "%u", e->epoch);
		write_value(e->learning_rate, file);
		write_value(e->loss, file);
		write_value(e->accuracy, file);
		write_value(e->test_loss, file);
		write_value(e->test_accuracy, file);
		fputc('\n', file);
	}
}
