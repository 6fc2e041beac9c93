// SPDX-License-Identifier: MIT
/*
 * Trains a small network from a fixed seed, in float and then with simulated
 * quantization, and insists on its accuracy. Debian's dataset-fashion-mnist if
 * it is there; else pictures of three shapes, which are much easier.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/train.h>

#define FASHION	"/usr/share/datasets/fashion-mnist/"
#define SIDE	28

static const char architecture[] =
	"input 28 28 1\n"
	"conv stem filters=12 size=3 stride=2 bn relu6\n"
	"dwconv dw1 size=3 bn relu6\n"
	"conv pw1 filters=24 size=1 bn relu6\n"
	"dwconv dw2 size=3 stride=2 bn relu6\n"
	"conv pw2 filters=48 size=1 bn relu6\n"
	"avgpool pool\n"
	"fc logits filters=10\n";

static struct qaccel_dataset *train, *test;
/*
 * What must be reached: of the test set, in float and with 8 bits. Another CPU's
 * OpenBLAS rounds in another way, so there is room: about a point.
 */
static double enough;

/* ------------------------------------------------------------- pictures -- */

static uint32_t random_state = 1;

static uint32_t below(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* A square's outline, a cross or a disc somewhere, in noise. */
static void draw(uint8_t *pixels, uint8_t shape)
{
	int size = 4 + (int)below(4), y0 = 9 + (int)below(10),
	    x0 = 9 + (int)below(10);

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			int dy = abs(y - y0), dx = abs(x - x0);
			int far = dy > dx ? dy : dx, near = dy < dx ? dy : dx;
			bool in = shape == 0 ? far == size :
				  shape == 1 ? near == 0 && far <= size :
				  dy * dy + dx * dx <= size * size / 2;

			pixels[y * SIDE + x] = (uint8_t)(below(100) +
							 (in ? 120 : 0));
		}
}

static struct qaccel_dataset *draw_all(size_t count)
{
	uint8_t *images = calloc(count, SIDE * SIDE);
	uint8_t *labels = calloc(count, 1);
	struct qaccel_dataset *data = NULL;

	assert_non_null(images);
	assert_non_null(labels);
	for (size_t i = 0; i < count; i++) {
		labels[i] = (uint8_t)(i % 3);
		draw(images + i * SIDE * SIDE, labels[i]);
	}
	assert_int_equal(qaccel_dataset_create(images, labels, count, SIDE, SIDE,
					       1, &data), 0);
	free(images);
	free(labels);
	return data;
}

static int open_data(void **state)
{
	(void)state;
	if (!qaccel_dataset_load(FASHION "train-images-idx3-ubyte.gz",
				 FASHION "train-labels-idx1-ubyte.gz", &train) &&
	    !qaccel_dataset_load(FASHION "t10k-images-idx3-ubyte.gz",
				 FASHION "t10k-labels-idx1-ubyte.gz", &test)) {
		enough = 0.845;
		return 0;
	}
	print_message("%s\ninstead of Fashion-MNIST: three shapes in noise\n",
		      qaccel_last_error());
	qaccel_dataset_destroy(train);
	train = draw_all(12000);
	test = draw_all(3000);
	enough = 0.95;
	return 0;
}

static int close_data(void **state)
{
	(void)state;
	qaccel_dataset_destroy(train);
	qaccel_dataset_destroy(test);
	return 0;
}

/* ------------------------------------------------------------- training -- */

static double accuracy(struct qaccel_net *net)
{
	struct qaccel_evaluation e;

	if (qaccel_net_evaluate(net, test, 1, &e))
		fail_msg("%s", qaccel_last_error());
	return (double)e.correct / (double)e.count;
}

static double train_net(struct qaccel_net *net,
			const struct qaccel_train_options *options)
{
	struct qaccel_trainer *t;

	if (qaccel_trainer_create(net, train, options, &t))
		fail_msg("%s", qaccel_last_error());
	while (!qaccel_trainer_finished(t)) {
		struct qaccel_epoch e;

		if (qaccel_trainer_epoch(t, NULL, NULL, NULL))
			fail_msg("%s", qaccel_last_error());
		assert_int_equal(qaccel_trainer_history(
			t, qaccel_trainer_num_epochs(t) - 1, &e), 0);
		print_message("epoch %u: loss %.4f, accuracy %.2f %%\n", e.epoch,
			      e.loss, 100 * e.accuracy);
	}
	qaccel_trainer_destroy(t);
	return accuracy(net);
}

static void test_training(void **state)
{
	const struct qaccel_simulation int8 = {
		.weight_bits = 8, .activation_bits = 8, .per_channel = true,
	};
	struct qaccel_train_options o;
	double in_float, after, aware;
	struct qaccel_net *net;

	(void)state;
	if (qaccel_net_create("small", architecture, strlen(architecture), &net))
		fail_msg("%s", qaccel_last_error());
	qaccel_train_defaults(&o);
	o.epochs = 3;
	o.batch = 32;
	o.learning_rate = 0.2f;
	/* The network is so small that a second thread would be of no use. */
	o.threads = 1;
	in_float = train_net(net, &o);
	print_message("float: %.2f %%\n", 100 * in_float);
	assert_true(in_float >= enough);

	/* Post-training, per channel: within a point. */
	assert_int_equal(qaccel_net_calibrate(net, train, 500, NULL, 1), 0);
	assert_int_equal(qaccel_net_simulate(net, &int8), 0);
	after = accuracy(net);
	print_message("8 bits after training: %.2f %%\n", 100 * after);
	assert_true(after >= in_float - 0.01);

	/* Quantization-aware. */
	o.epochs = 1;
	o.initialised = true;
	o.learning_rate = 0.02f;
	o.simulation = int8;
	o.quant_delay = 100;
	o.freeze_bn = 1400;
	aware = train_net(net, &o);
	print_message("8 bits in training: %.2f %%\n", 100 * aware);
	assert_true(aware >= enough);
	assert_true(aware >= in_float - 0.01);
	qaccel_net_destroy(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_training),
	};

	return cmocka_run_group_tests(tests, open_data, close_data);
}
