// SPDX-License-Identifier: MIT
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Needs size_t and FILE, but does not say so. */
#include <jpeglib.h>

#include "tool.h"

/* Keeps width * height * 3 far from any overflow. */
#define MAX_SIDE 32768

static bool size_is_sane(uint32_t width, uint32_t height)
{
	return width >= 1 && height >= 1 && width <= MAX_SIDE &&
	       height <= MAX_SIDE;
}

static int image_alloc(struct image *image, uint32_t width, uint32_t height)
{
	image->width = width;
	image->height = height;
	image->rgb = malloc((size_t)width * height * 3);
	return image->rgb ? 0 : -1;
}

/* ---------------------------------------------------------------- PNG -- */

static int load_png(const char *path, const void *data, size_t size,
		    struct image *image)
{
	png_image png = {.version = PNG_IMAGE_VERSION};

	if (!png_image_begin_read_from_memory(&png, data, size))
		return tool_error("%s: %s", path, png.message);
	/* Transparent pixels come out over black, as a camera would see none. */
	png.format = PNG_FORMAT_RGB;
	if (!size_is_sane(png.width, png.height) ||
	    image_alloc(image, png.width, png.height)) {
		png_image_free(&png);
		return tool_error("%s: picture too large", path);
	}
	if (!png_image_finish_read(&png, &(png_color){0, 0, 0}, image->rgb, 0,
				   NULL)) {
		image_free(image);
		return tool_error("%s: %s", path, png.message);
	}
	return TOOL_OK;
}

/* --------------------------------------------------------------- JPEG -- */

struct jpeg_failure {
	struct jpeg_error_mgr manager;
	jmp_buf jump;
	char text[JMSG_LENGTH_MAX];
};

static void jpeg_fail(j_common_ptr jpeg)
{
	struct jpeg_failure *failure = (struct jpeg_failure *)jpeg->err;

	jpeg->err->format_message(jpeg, failure->text);
	longjmp(failure->jump, 1);
}

static void jpeg_quiet(j_common_ptr jpeg, int level)
{
	(void)jpeg;
	(void)level;
}

static void read_jpeg_rows(struct jpeg_decompress_struct *jpeg,
			   struct image *image)
{
	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row = image->rgb +
			       (size_t)jpeg->output_scanline * image->width * 3;

		jpeg_read_scanlines(jpeg, &row, 1);
	}
}

static int load_jpeg(const char *path, const void *data, size_t size,
		     struct image *image)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_failure failure;

	jpeg.err = jpeg_std_error(&failure.manager);
	failure.manager.error_exit = jpeg_fail;
	failure.manager.emit_message = jpeg_quiet;
	image->rgb = NULL;
	/* The library reports errors by jumping back here. */
	if (setjmp(failure.jump)) {
		jpeg_destroy_decompress(&jpeg);
		image_free(image);
		return tool_error("%s: %s", path, failure.text);
	}
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, data, size);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.out_color_space = JCS_RGB;
	if (!size_is_sane(jpeg.image_width, jpeg.image_height) ||
	    image_alloc(image, jpeg.image_width, jpeg.image_height)) {
		jpeg_destroy_decompress(&jpeg);
		return tool_error("%s: picture too large", path);
	}
	jpeg_start_decompress(&jpeg);
	read_jpeg_rows(&jpeg, image);
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
	return TOOL_OK;
}

/* ---------------------------------------------------------------- BMP -- */

/* struct bmp - what we need of an uncompressed Windows bitmap's headers */
struct bmp {
	const uint8_t *pixels, *palette;
	uint32_t width, height, bits, stride, colours;
	bool top_down;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool parse_bmp(const uint8_t *data, size_t size, struct bmp *bmp)
{
	uint32_t offset, header, used;
	int32_t height;

	if (size < 54)
		return false;
	offset = le32(data + 10);
	header = le32(data + 14);
	bmp->width = le32(data + 18);
	height = (int32_t)le32(data + 22);
	bmp->top_down = height < 0;
	bmp->height = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
	bmp->bits = data[28] | data[29] << 8;
	used = le32(data + 46);
	if (header < 40 || le32(data + 30) != 0 ||
	    !size_is_sane(bmp->width, bmp->height) ||
	    (bmp->bits != 8 && bmp->bits != 24 && bmp->bits != 32))
		return false;
	bmp->stride = (bmp->width * bmp->bits + 31) / 32 * 4;
	if (offset > size || (uint64_t)bmp->stride * bmp->height > size - offset)
		return false;
	bmp->pixels = data + offset;
	bmp->colours = used ? used : 256;
	bmp->palette = data + 14 + (size_t)header;
	/* Only 8-bit pictures look their colours up. */
	return bmp->bits != 8 ||
	       (header <= size && bmp->colours <= 256 &&
		14 + (size_t)header + 4 * (size_t)bmp->colours <= size);
}

static void bmp_pixel(const struct bmp *bmp, uint32_t y, uint32_t x,
		      uint8_t *rgb)
{
	uint32_t line = bmp->top_down ? y : bmp->height - 1 - y;
	const uint8_t *bgr = bmp->pixels + (size_t)line * bmp->stride +
			     (size_t)x * (bmp->bits / 8);

	if (bmp->bits == 8)
		bgr = bmp->palette + 4 * (*bgr < bmp->colours ? *bgr : 0);
	rgb[0] = bgr[2];
	rgb[1] = bgr[1];
	rgb[2] = bgr[0];
}

static int load_bmp(const char *path, const void *data, size_t size,
		    struct image *image)
{
	struct bmp bmp;

	if (!parse_bmp(data, size, &bmp))
		return tool_error("%s: not an uncompressed 8, 24 or 32-bit bitmap",
				  path);
	if (image_alloc(image, bmp.width, bmp.height))
		return tool_error("%s: picture too large", path);
	for (uint32_t y = 0; y < bmp.height; y++)
		for (uint32_t x = 0; x < bmp.width; x++)
			bmp_pixel(&bmp, y, x,
				  image->rgb + ((size_t)y * bmp.width + x) * 3);
	return TOOL_OK;
}

/* ------------------------------------------------------------- either -- */

int image_load(const char *path, struct image *image)
{
	size_t size;
	uint8_t *data = file_read(path, &size);
	int ret;

	*image = (struct image){0};
	if (!data)
		return TOOL_FAILED;
	if (size >= 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8))
		ret = load_png(path, data, size, image);
	else if (size >= 3 && !memcmp(data, "\xff\xd8\xff", 3))
		ret = load_jpeg(path, data, size, image);
	else if (size >= 2 && !memcmp(data, "BM", 2))
		ret = load_bmp(path, data, size, image);
	else
		ret = tool_error("%s: not a PNG, JPEG or BMP picture", path);
	free(data);
	return ret;
}

void image_free(struct image *image)
{
	free(image->rgb);
	*image = (struct image){0};
}

/*
 * Bilinear with the corners of both pictures on each other, in fixed point of
 * 16 bits, so that the bytes are the same on every machine.
 */
static void resize_row(const struct image *image, uint32_t y, uint32_t height,
		       uint32_t width, uint8_t *out)
{
	uint64_t fy = ((uint64_t)y * image->height << 16) / height;
	uint32_t y0 = (uint32_t)(fy >> 16), wy = fy & 0xffff;
	uint32_t y1 = y0 + 1 < image->height ? y0 + 1 : y0;
	const uint8_t *r0 = image->rgb + (size_t)y0 * image->width * 3;
	const uint8_t *r1 = image->rgb + (size_t)y1 * image->width * 3;

	for (uint32_t x = 0; x < width; x++) {
		uint64_t fx = ((uint64_t)x * image->width << 16) / width;
		uint32_t x0 = (uint32_t)(fx >> 16), wx = fx & 0xffff;
		uint32_t x1 = x0 + 1 < image->width ? x0 + 1 : x0;

		for (uint32_t c = 0; c < 3; c++) {
			uint64_t top = (uint64_t)r0[3 * x0 + c] * (65536 - wx) +
				       (uint64_t)r0[3 * x1 + c] * wx;
			uint64_t low = (uint64_t)r1[3 * x0 + c] * (65536 - wx) +
				       (uint64_t)r1[3 * x1 + c] * wx;

			*out++ = (uint8_t)((top * (65536 - wy) + low * wy +
					    (UINT64_C(1) << 31)) >> 32);
		}
	}
}

static void store_pixel(enum qaccel_type type, uint8_t pixel, void *data,
			size_t i)
{
	if (type == QACCEL_TYPE_UINT8)
		((uint8_t *)data)[i] = pixel;
	else if (type == QACCEL_TYPE_INT8)
		((int8_t *)data)[i] = (int8_t)(pixel - 128);
	else
		((float *)data)[i] = (float)pixel / 127.5f - 1.0f;
}

/* ITU-R BT.601 luma, as TensorFlow's decoders make grey pictures. */
static uint8_t grey(const uint8_t *rgb)
{
	return (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

static bool is_picture(const struct qaccel_tensor_info *info)
{
	return info->rank == 4 && info->dims[0] == 1 &&
	       (info->dims[3] == 1 || info->dims[3] == 3) &&
	       (info->type == QACCEL_TYPE_UINT8 ||
		info->type == QACCEL_TYPE_INT8 ||
		info->type == QACCEL_TYPE_FLOAT32);
}

int image_to_tensor(const struct image *image,
		    const struct qaccel_tensor_info *info, void *data)
{
	uint32_t height = (uint32_t)info->dims[1], width = (uint32_t)info->dims[2];
	uint32_t channels = (uint32_t)info->dims[3];
	uint8_t *row;
	size_t i = 0;

	if (!is_picture(info))
		return tool_error("the model's first input is not a picture");
	row = malloc((size_t)width * 3);
	if (!row)
		return tool_error("out of memory");
	for (uint32_t y = 0; y < height; y++) {
		resize_row(image, y, height, width, row);
		for (uint32_t x = 0; x < width; x++)
			for (uint32_t c = 0; c < channels; c++)
				store_pixel(info->type,
					    channels == 1 ? grey(row + 3 * x)
							  : row[3 * x + c],
					    data, i++);
	}
	free(row);
	return TOOL_OK;
}
