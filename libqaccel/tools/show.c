// SPDX-License-Identifier: MIT
/*
 * A picture on a terminal: in colour, each character two pixels, one above the
 * other; or in plain text, each pixel two characters wide, bright ones dense.
 */
#include <stdio.h>

#include "tool.h"

#define MAX_COLUMNS	64

/* What is shown, of at most so many pixels: averages of the picture's. */
struct view {
	const struct image *image;
	uint32_t width, height;
};

static void fit(struct view *view, const struct image *image, uint32_t width)
{
	view->image = image;
	view->width = image->width < width ? image->width : width;
	view->height = (uint32_t)((uint64_t)image->height * view->width /
				  image->width);
	if (!view->height)
		view->height = 1;
}

static void pixel(const struct view *view, uint32_t x, uint32_t y,
		  uint32_t rgb[3])
{
	const struct image *image = view->image;
	uint64_t x0 = (uint64_t)x * image->width / view->width;
	uint64_t x1 = (uint64_t)(x + 1) * image->width / view->width;
	uint64_t y0 = (uint64_t)y * image->height / view->height;
	uint64_t y1 = (uint64_t)(y + 1) * image->height / view->height;
	uint64_t sum[3] = {0}, count = (x1 - x0) * (y1 - y0);

	for (uint64_t i = y0; i < y1; i++)
		for (uint64_t j = x0; j < x1; j++)
			for (int c = 0; c < 3; c++)
				sum[c] += image->rgb[(i * image->width + j) * 3 +
						     (uint64_t)c];
	for (int c = 0; c < 3; c++)
		rgb[c] = (uint32_t)(sum[c] / count);
}

static void show_blocks(const struct view *view)
{
	for (uint32_t y = 0; y < view->height; y += 2) {
		for (uint32_t x = 0; x < view->width; x++) {
			uint32_t top[3], low[3] = {0};

			pixel(view, x, y, top);
			if (y + 1 < view->height)
				pixel(view, x, y + 1, low);
			/* The upper half of a block, in its own colour. */
			printf("\033[38;2;%u;%u;%um\033[48;2;%u;%u;%um\u2580",
			       top[0], top[1], top[2], low[0], low[1], low[2]);
		}
		printf("\033[0m\n");
	}
}

static void show_text(const struct view *view)
{
	static const char ramp[] = " .:-=+*#%@";

	for (uint32_t y = 0; y < view->height; y++) {
		for (uint32_t x = 0; x < view->width; x++) {
			uint32_t rgb[3], grey;

			pixel(view, x, y, rgb);
			grey = (rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8;
			printf("%c%c", ramp[grey * 10 / 256],
			       ramp[grey * 10 / 256]);
		}
		printf("\n");
	}
}

int show_picture(const char *path, enum show_form form)
{
	struct image image;
	struct view view;

	if (image_load(path, &image))
		return TOOL_FAILED;
	fit(&view, &image, form == SHOW_BLOCKS ? MAX_COLUMNS : MAX_COLUMNS / 2);
	if (form == SHOW_BLOCKS)
		show_blocks(&view);
	else
		show_text(&view);
	image_free(&image);
	return TOOL_OK;
}
