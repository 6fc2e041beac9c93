// SPDX-License-Identifier: MIT
/* Progress while training, and the files that tell of it afterwards. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "curve.h"
#include "train_tool.h"

#define BAR_WIDTH	20
#define BAR_PERIOD	0.1		/* seconds */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void train_report_start(struct train_report *report,
			const struct train_cli *cli, uint32_t batch)
{
	*report = (struct train_report){
		.cli = cli,
		.batch = batch,
		.bar = !cli->quiet && isatty(STDERR_FILENO),
		.start = now(),
	};
	report->epoch_start = report->start;
}

static void clear_bar(const struct train_report *report)
{
	if (report->bar)
		fputs("\r\033[K", stderr);
}

/* "1:02:03" or "2:03" */
static void format_time(double seconds, char text[32])
{
	unsigned int s = (unsigned int)fmin(fmax(seconds, 0), 3.5e6);

	if (s >= 3600)
		snprintf(text, 32, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, 32, "%u:%02u", s / 60, s % 60);
}

static void draw_bar(const struct train_report *report,
		     const struct qaccel_train_status *status, double elapsed)
{
	uint64_t all = (uint64_t)status->epochs * status->steps;
	uint64_t done = (uint64_t)(status->epoch - 1) * status->steps +
			status->step;
	int filled = (int)(BAR_WIDTH * (uint64_t)status->step / status->steps);
	double rate = (double)report->steps / elapsed;
	char left[32];

	format_time((double)(all - done) / rate, left);
	fprintf(stderr, "\r\033[Kepoch %u/%u [%.*s%*s]  loss %.4f  accuracy %.2f %%  %.0f images/s  %s left",
		status->epoch, status->epochs, filled, "====================",
		BAR_WIDTH - filled, "", status->loss, 100 * status->accuracy,
		rate * report->batch, left);
	fflush(stderr);
}

bool train_report_step(void *context, const struct qaccel_train_status *status)
{
	struct train_report *report = context;
	double time = now();

	report->steps++;
	if (!report->bar || time - report->shown < BAR_PERIOD)
		return true;
	report->shown = time;
	draw_bar(report, status, time - report->start);
	return true;
}

static void print_epoch(struct train_report *report,
			const struct qaccel_epoch *epoch, uint32_t epochs)
{
	double time = now();

	clear_bar(report);
	printf("epoch %u/%u  loss %.4f  accuracy %.2f %%", epoch->epoch, epochs,
	       epoch->loss, 100 * epoch->accuracy);
	if (!isnan(epoch->test_accuracy))
		printf("  test loss %.4f  test accuracy %.2f %%",
		       epoch->test_loss, 100 * epoch->test_accuracy);
	printf("  %.1f s\n", time - report->epoch_start);
	fflush(stdout);
	report->epoch_start = time;
}

static int write_with(const char *path, const struct curve *curve,
		      void (*write)(const struct curve *curve, FILE *file))
{
	FILE *file = fopen(path, "w");
	bool failed;

	if (!file)
		return tool_error("%s: %s", path, strerror(errno));
	write(curve, file);
	failed = ferror(file);
	/* A full disk may show only when the buffer is flushed. */
	if (fclose(file) || failed)
		return tool_error("%s: %s", path, strerror(errno));
	return TOOL_OK;
}

/* The picture's title: its file's name, without folder and extension. */
static void title_of(const char *path, char title[256])
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *dot;

	snprintf(title, 256, "%s", slash ? slash + 1 : path ? path : "");
	dot = strrchr(title, '.');
	if (dot && dot != title)
		*dot = '\0';
}

static int write_files(const struct train_cli *cli,
		       const struct qaccel_trainer *trainer)
{
	uint32_t count = qaccel_trainer_num_epochs(trainer);
	struct qaccel_epoch *epochs = calloc(count ? count : 1, sizeof(*epochs));
	char title[256];
	struct curve curve = {
		.title = title,
		.epochs = epochs,
		.count = count,
	};
	int ret = TOOL_OK;

	if (!epochs)
		return tool_error("out of memory");
	title_of(cli->curve, title);
	for (uint32_t i = 0; i < count; i++)
		if (qaccel_trainer_history(trainer, i, &epochs[i]))
			ret = tool_library_error();
	if (!ret && cli->log)
		ret = write_with(cli->log, &curve, curve_csv);
	if (!ret && cli->curve)
		ret = write_with(cli->curve, &curve, curve_svg);
	free(epochs);
	return ret;
}

int train_report_epoch(struct train_report *report,
		       const struct qaccel_trainer *trainer)
{
	uint32_t count = qaccel_trainer_num_epochs(trainer);
	struct qaccel_train_options options;
	struct qaccel_epoch epoch;

	if (qaccel_trainer_history(trainer, count - 1, &epoch))
		return tool_library_error();
	qaccel_trainer_get_options(trainer, &options);
	if (!report->cli->quiet)
		print_epoch(report, &epoch, options.epochs);
	return write_files(report->cli, trainer);
}
