// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/train.h>

#include "arch.h"

static struct arch *parse(const char *text)
{
	struct arch *arch = NULL;

	if (arch_parse("test", text, strlen(text), &arch))
		fail_msg("%s", qaccel_last_error());
	return arch;
}

static const char full[] =
	"# a comment, and an empty line\n"
	"\n"
	"input 28 20 3   # height, width, channels\n"
	"conv stem filters=16 size=3 stride=2 bn relu\n"
	"\tdwconv d1 size=3x5 bn relu6\r\n"
	"conv p1 filters=16 size=1 padding=valid bn\n"
	"add a1 with=stem relu\n"
	"maxpool m1 size=2\n"
	"conv s2 from=a1 size=1 filters=16 stride=2 float\n"
	"add a2 from=s2 with=m1\n"
	"avgpool pool\n"
	"fc logits filters=10";

static const char canonical[] =
	"input 28 20 3\n"
	"conv stem filters=16 size=3 stride=2 bn relu\n"
	"dwconv d1 size=3x5 stride=1 bn relu6\n"
	"conv p1 filters=16 size=1 stride=1 padding=valid bn\n"
	"add a1 with=stem relu\n"
	"maxpool m1 size=2 stride=2\n"
	"conv s2 from=a1 filters=16 size=1 stride=2 float\n"
	"add a2 with=m1\n"
	"avgpool pool stride=1\n"
	"fc logits filters=10\n";

static void test_layers(void **state)
{
	struct arch *arch = parse(full);
	const struct net_layer_desc *l = arch->layers;

	(void)state;
	assert_int_equal(arch->in.h, 28);
	assert_int_equal(arch->in.w, 20);
	assert_int_equal(arch->in.c, 3);
	assert_int_equal(arch->num_layers, 9);
	assert_string_equal(l[0].name, "stem");
	assert_int_equal(l[0].kind, NET_CONV);
	assert_int_equal(l[0].inputs[0], NET_INPUT);
	assert_int_equal(l[0].filters, 16);
	assert_int_equal(l[0].stride, 2);
	assert_true(l[0].same_padding && l[0].batch_norm && !l[0].keep_float);
	assert_int_equal(l[0].activation, NET_RELU);
	assert_int_equal(l[1].kind, NET_DWCONV);
	assert_int_equal(l[1].inputs[0], 0);
	assert_int_equal(l[1].size_h, 3);
	assert_int_equal(l[1].size_w, 5);
	assert_int_equal(l[1].stride, 1);
	assert_int_equal(l[1].activation, NET_RELU6);
	assert_false(l[2].same_padding);
	assert_int_equal(l[2].activation, NET_LINEAR);
	assert_int_equal(l[3].kind, NET_ADD);
	assert_int_equal(l[3].inputs[0], 2);
	assert_int_equal(l[3].inputs[1], 0);
	assert_int_equal(l[4].kind, NET_MAXPOOL);
	assert_int_equal(l[4].stride, 2);
	assert_false(l[4].same_padding);
	assert_int_equal(l[5].inputs[0], 3);
	assert_true(l[5].keep_float && !l[5].batch_norm);
	assert_int_equal(l[6].inputs[0], 5);
	assert_int_equal(l[6].inputs[1], 4);
	assert_int_equal(l[7].kind, NET_AVGPOOL);
	assert_int_equal(l[7].size_h, 0);
	assert_int_equal(l[8].kind, NET_FC);
	free(arch);
}

static void test_canonical(void **state)
{
	struct arch *arch = parse(full), *again;
	char *text = arch_write(arch);

	(void)state;
	assert_string_equal(text, canonical);
	again = parse(text);
	assert_memory_equal(arch, again, sizeof(*arch));
	free(again);
	free(text);
	free(arch);
}

#define IN "input 8 8 1\n"

/* Each text is wrong in one thing, which the message names with its line. */
static const struct {
	const char *text, *message;
} bad[] = {
	{"", "t:0: no layers"},
	{"# nothing\n\n", "t:2: no layers"},
	{IN, "t:1: no layers"},
	{"conv a filters=1 size=1\n", "t:1: a layer before 'input'"},
	{IN IN, "t:2: a second 'input'"},
	{"input 8 8\n", "t:1: 'input' needs height, width and channels"},
	{"input 8 8 0\n", "t:1: a size is not from 1 to 65535 but '0'"},
	{"input 8 8 70000\n", "t:1: a size is not from 1 to 65535 but '70000'"},
	{"input 8 99999999999999999999 1\n", "from 1 to 65535 but '9999"},
	{"input 8 -8 1\n", "t:1: a size is not a number but '-8'"},
	{IN "lstm a\n", "t:2: 'lstm' is not a kind of layer"},
	{IN "fc\n", "t:2: fc needs a name"},
	{IN "fc A filters=1\n", "t:2: a name is of a-z, 0-9 and _, not 'A'"},
	{IN "fc input filters=1\n", "t:2: a second 'input'"},
	{IN "fc a filters=1\nfc a filters=1\n", "t:3: a second 'a'"},
	{IN "fc aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa filters=1\n",
	 "t:2: a name of more than 31 bytes"},
	{IN "fc a\n", "t:2: fc needs filters="},
	{IN "conv a filters=1\n", "t:2: conv needs size="},
	{IN "dwconv a\n", "t:2: dwconv needs size="},
	{IN "maxpool a\n", "t:2: maxpool needs size="},
	{IN "fc a filters=\n", "t:2: filters is not from 1 to 65535 but ''"},
	{IN "fc a filters=x\n", "t:2: filters is not a number but 'x'"},
	{IN "conv a filters=1 size=3y3\n", "t:2: size is not a number but '3y3'"},
	{IN "conv a filters=1 size=3x\n", "t:2: size is not from 1 to"},
	{IN "conv a filters=1 size=x3\n", "t:2: size is not from 1 to"},
	{IN "conv a filters=1 size=3 stride=0\n", "t:2: stride is not from 1"},
	{IN "conv a filters=1 size=3 padding=full\n",
	 "t:2: padding is same or valid, not 'full'"},
	{IN "conv a filters=1 size=3 bias\n", "t:2: 'bias' is not an option"},
	{IN "fc a filters=1 size=3\n", "t:2: 'size=3' makes no sense for fc"},
	{IN "avgpool a relu\n", "t:2: 'relu' makes no sense for avgpool"},
	{IN "dwconv a size=3 filters=2\n", "makes no sense for dwconv"},
	{IN "fc a filters=1 filters=1\n", "t:2: 'filters=1' is said twice"},
	{IN "fc a filters=1 relu relu6\n", "t:2: 'relu6' is said twice"},
	{IN "fc a filters=1 from=b\n", "t:2: no layer 'b' above"},
	{IN "fc a filters=1 from=a\n", "t:2: no layer 'a' above"},
	{IN "fc a filters=1\nadd b\n", "t:3: add needs with="},
	{IN "fc a filters=1\nadd b with=c\n", "t:3: no layer 'c' above"},
	{IN "fc a filters=1\n\x01\n", "t:3: byte 0x01 is not text"},
	{IN "fc \xc3\xa4 filters=1\n", "t:2: byte 0xc3 is not text"},
	{IN "fc a b c d e f g h i j k l m n o p\n", "t:2: more than 16 words"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arch *arch;
		int err = arch_parse("t", bad[i].text, strlen(bad[i].text),
				     &arch);

		assert_int_equal(err, -EINVAL);
		if (!strstr(qaccel_last_error(), bad[i].message))
			fail_msg("'%s' instead of '%s'", qaccel_last_error(),
				 bad[i].message);
	}
}

static void test_limits(void **state)
{
	static char text[ARCH_MAX_SIZE + 1];
	struct arch *arch;
	size_t size;

	(void)state;
	memset(text, ' ', sizeof(text));
	assert_int_equal(arch_parse("t", text, ARCH_MAX_LINE + 1, &arch), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "t:1: a line of more"));
	/* A comment may be as long as it likes. */
	text[0] = '#';
	assert_int_equal(arch_parse("t", text, ARCH_MAX_SIZE, &arch), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "no layers"));
	assert_int_equal(arch_parse("t", text, ARCH_MAX_SIZE + 1, &arch), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "more than 65536 bytes"));

	size = (size_t)sprintf(text, IN);
	for (int i = 0; i < NET_MAX_LAYERS; i++)
		size += (size_t)sprintf(text + size, "fc l%d filters=1\n", i);
	assert_int_equal(arch_parse("t", text, size, &arch), 0);
	assert_int_equal(arch->num_layers, NET_MAX_LAYERS);
	free(arch);
	size += (size_t)sprintf(text + size, "fc more filters=1\n");
	assert_int_equal(arch_parse("t", text, size, &arch), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "t:130: more than 128 layers"));
	/* A NUL byte does not end the text. */
	size = (size_t)sprintf(text, IN "fc a filters=1\n");
	assert_int_equal(arch_parse("t", text, size + 1, &arch), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "byte 0x00"));
}

/* Any damage is refused, or gives an architecture that is written and read. */
static void test_damage(void **state)
{
	uint32_t random = 1;
	unsigned int good = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[sizeof(full)], *written;
		struct arch *arch, *again;

		memcpy(text, full, sizeof(full));
		for (int n = i % 3; n >= 0; n--) {
			random = random * 1664525 + 1013904223;
			text[(random >> 8) % (sizeof(full) - 1)] =
				n ? (char)(random >> 24) :
				    full[(random >> 20) % (sizeof(full) - 1)];
		}
		if (arch_parse("t", text, sizeof(full) - 1, &arch))
			continue;
		good++;
		written = arch_write(arch);
		again = parse(written);
		assert_memory_equal(arch, again, sizeof(*arch));
		free(again);
		free(written);
		free(arch);
	}
	assert_in_range(good, 1000, 19000);
}

static void test_models(void **state)
{
	static const struct {
		const char *path;
		uint32_t layers;
	} models[] = {
		{MODELS "/fashion_mobilenet.net", 13},
		{MODELS "/fashion_resnet.net", 17},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
		struct qaccel_net_info info;
		struct qaccel_net *net;

		if (qaccel_net_create_file(models[i].path, &net))
			fail_msg("%s", qaccel_last_error());
		qaccel_net_get_info(net, &info);
		assert_int_equal(info.layers, models[i].layers);
		assert_int_equal(info.classes, 10);
		assert_int_equal(info.height * info.width * info.channels, 784);
		/* A few hundred KB at most. */
		assert_in_range(info.parameters, 10000, 300000);
		qaccel_net_destroy(net);
	}
}

static void test_impossible(void **state)
{
	static const char text[] = IN "conv a filters=2 size=3 stride=2\n"
				   "add b with=input\n";
	struct qaccel_net *net;

	(void)state;
	assert_int_equal(qaccel_net_create("x.net", text, strlen(text), &net),
			 -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "x.net"));
	assert_non_null(strstr(qaccel_last_error(), "layer b"));
	assert_int_equal(qaccel_net_create_file("/nowhere/x.net", &net), -ENOENT);
	assert_int_equal(qaccel_net_create_file("/", &net), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
