// SPDX-License-Identifier: MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "curve.h"

static char *draw(const struct curve *curve,
		  void (*write)(const struct curve *curve, FILE *file))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	write(curve, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

/*
 * Elements nest, attributes are quoted, text has no bare & or <: what an XML
 * reader would insist on, of the part of XML that is used.
 */
static void assert_well_formed(const char *text)
{
	char stack[16][32];
	int depth = 0;

	do {
		const char *end = strchr(text, '>');
		bool closes = text[1] == '/', empty;
		size_t length, quotes = 0;

		assert_int_equal(*text, '<');
		assert_non_null(end);
		empty = end[-1] == '/';
		text += 1 + closes;
		length = strcspn(text, " />");
		assert_in_range(length, 1, 31);
		for (const char *c = text; c < end; c++) {
			quotes += *c == '\'';
			assert_int_not_equal(*c, '<');
		}
		assert_int_equal(quotes % 2, 0);
		if (closes) {
			assert_in_range(depth, 1, 16);
			depth--;
			assert_int_equal(strlen(stack[depth]), length);
			assert_memory_equal(stack[depth], text, length);
		} else if (!empty) {
			assert_in_range(depth, 0, 15);
			memcpy(stack[depth], text, length);
			stack[depth++][length] = '\0';
		}
		text = end + 1;
		while (*text && *text != '<') {
			assert_int_not_equal(*text, '>');
			if (*text == '&')
				assert_true(!strncmp(text, "&amp;", 5) ||
					    !strncmp(text, "&lt;", 4) ||
					    !strncmp(text, "&gt;", 4));
			text++;
		}
	} while (depth);
	assert_string_equal(text, "");
}

static unsigned int count(const char *text, const char *word)
{
	unsigned int n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text++;
	}
	return n;
}

static void make_epochs(struct qaccel_epoch *epochs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		epochs[i] = (struct qaccel_epoch){
			.epoch = i + 1,
			.learning_rate = 0.1 / (i + 1),
			.loss = 2.0 / (i + 1),
			.accuracy = 1 - 0.5 / (i + 1),
			.test_loss = 2.2 / (i + 1),
			.test_accuracy = 1 - 0.6 / (i + 1),
		};
}

static void test_svg(void **state)
{
	struct qaccel_epoch epochs[12];
	struct curve curve = {"a <b> & c\x01\xff", epochs, 12};
	char *svg;

	(void)state;
	make_epochs(epochs, 12);
	svg = draw(&curve, curve_svg);
	assert_well_formed(svg);
	assert_null(strstr(svg, "nan"));
	assert_null(strstr(svg, "inf"));
	assert_non_null(strstr(svg, ">a &lt;b&gt; &amp; c?\?</text>"));
	assert_int_equal(count(svg, "<circle"), 4 * 12);
	assert_int_equal(count(svg, ">test</text>"), 2);
	assert_int_equal(count(svg, ">epoch</text>"), 2);
	assert_non_null(strstr(svg, ">loss</text>"));
	assert_non_null(strstr(svg, ">accuracy</text>"));
	assert_non_null(strstr(svg, ">40 %</text>"));
	assert_non_null(strstr(svg, ">100 %</text>"));
	free(svg);
}

/* Points are where the axes say: the first and the last epoch's loss. */
static void test_places(void **state)
{
	struct qaccel_epoch epochs[3];
	struct curve curve = {"t", epochs, 3};
	char *svg;

	(void)state;
	make_epochs(epochs, 3);
	for (int i = 0; i < 3; i++)
		epochs[i].test_loss = epochs[i].test_accuracy = NAN;
	epochs[0].loss = 1;
	epochs[1].loss = 0.5;
	epochs[2].loss = 0;
	svg = draw(&curve, curve_svg);
	assert_well_formed(svg);
	assert_non_null(strstr(svg, "points='60.0,60.0 205.0,165.0 350.0,270.0 '"));
	assert_int_equal(count(svg, "<circle"), 2 * 3);
	assert_int_equal(count(svg, ">test</text>"), 0);
	free(svg);
}

static void test_extremes(void **state)
{
	struct qaccel_epoch epochs[200];
	struct curve curve = {"t", epochs, 0};
	static const uint32_t counts[] = {0, 1, 2, 200};

	(void)state;
	make_epochs(epochs, 200);
	epochs[0].test_loss = NAN;
	epochs[1].loss = 1e30;
	for (size_t i = 0; i < 4; i++) {
		char *svg;

		curve.count = counts[i];
		svg = draw(&curve, curve_svg);
		assert_well_formed(svg);
		assert_null(strstr(svg, "nan"));
		free(svg);
	}
}

static void test_csv(void **state)
{
	struct qaccel_epoch epochs[2];
	struct curve curve = {"t", epochs, 2};
	char *csv;

	(void)state;
	make_epochs(epochs, 2);
	epochs[1].test_loss = epochs[1].test_accuracy = NAN;
	csv = draw(&curve, curve_csv);
	assert_string_equal(csv,
		"epoch,learning_rate,loss,accuracy,test_loss,test_accuracy\n"
		"1,0.1,2,0.5,2.2,0.4\n"
		"2,0.05,1,0.75,,\n");
	free(csv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_csv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
