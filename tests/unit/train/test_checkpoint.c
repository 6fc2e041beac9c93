// SPDX-License-Identifier: MIT
/* Checkpoints: what is written is read, training goes on, damage is refused. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include <cmocka.h>

#include <qaccel/train.h>

#include "handle.h"

#define COUNT	200
#define SIDE	8

static const char text[] =
	"input 8 8 1\n"
	"conv stem filters=4 size=3 bn relu\n"
	"dwconv d1 size=3 bn relu6\n"
	"conv p1 filters=4 size=1 bn\n"
	"add a1 with=stem relu\n"
	"conv c2 filters=4 size=3 stride=2 relu float\n"
	"avgpool pool\n"
	"fc logits filters=3\n";

/* The class is the picture's brightness: easy, and the same when it is moved. */
static struct qaccel_dataset *make_data(uint32_t seed)
{
	uint8_t images[COUNT * SIDE * SIDE], labels[COUNT];
	struct qaccel_dataset *d;

	for (size_t i = 0; i < COUNT; i++) {
		labels[i] = (uint8_t)(i % 3);
		for (size_t j = 0; j < SIDE * SIDE; j++) {
			seed = seed * 1664525 + 1013904223;
			images[i * SIDE * SIDE + j] =
				(uint8_t)((seed >> 25) + 60 * labels[i]);
		}
	}
	assert_int_equal(qaccel_dataset_create(images, labels, COUNT, SIDE, SIDE,
					       1, &d), 0);
	return d;
}

static struct qaccel_net *make_net(void)
{
	struct qaccel_net *net;

	if (qaccel_net_create("test", text, strlen(text), &net))
		fail_msg("%s", qaccel_last_error());
	return net;
}

static struct qaccel_train_options float_options(void)
{
	struct qaccel_train_options o;

	qaccel_train_defaults(&o);
	o.epochs = 3;
	o.batch = 24;		/* two chunks, one of them a part */
	o.threads = 1;
	o.shift = 1;
	o.horizontal_flip = true;
	return o;
}

/* Each of its phases begins in another epoch. */
static struct qaccel_train_options qat_options(void)
{
	struct qaccel_train_options o = float_options();

	o.optimizer = QACCEL_OPTIMIZER_ADAM;
	o.learning_rate = 0.01f;
	o.simulation.weight_bits = 8;
	o.simulation.activation_bits = 8;
	o.simulation.per_channel = true;
	o.quant_delay = 5;
	o.freeze_bn = 17;
	return o;
}

struct file {
	char path[32];
	uint8_t *data;
	size_t size;
};

static void make_path(struct file *f)
{
	*f = (struct file){.path = "checkpointXXXXXX"};
	close(mkstemp(f->path));
}

static void read_back(struct file *f)
{
	FILE *file = fopen(f->path, "rb");
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	f->size = (size_t)st.st_size;
	free(f->data);
	f->data = malloc(f->size);
	assert_int_equal(fread(f->data, 1, f->size, file), f->size);
	fclose(file);
}

static void write_out(const struct file *f, size_t size)
{
	FILE *file = fopen(f->path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(f->data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(struct file *f)
{
	unlink(f->path);
	free(f->data);
}

static void assert_same(const struct file *a, const struct file *b)
{
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->data, b->data, a->size);
}

static void run_steps(struct qaccel_trainer *t, int steps)
{
	for (int i = 0; i < steps; i++)
		if (qaccel_trainer_step(t, NULL))
			fail_msg("%s", qaccel_last_error());
}

static void run_epochs(struct qaccel_trainer *t,
		       const struct qaccel_dataset *test)
{
	while (!qaccel_trainer_finished(t))
		if (qaccel_trainer_epoch(t, test, NULL, NULL))
			fail_msg("%s", qaccel_last_error());
}

/* ---------------------------------------------------------------- tests -- */

/* From one go, and from one that was interrupted twice and changed threads. */
static void check_resume(struct qaccel_train_options o)
{
	struct qaccel_dataset *data = make_data(1), *test = make_data(2);
	struct qaccel_net *net = make_net(), *net2 = make_net(), *net3;
	struct qaccel_trainer *t;
	struct file whole, parts;

	make_path(&whole);
	make_path(&parts);
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), 0);
	run_epochs(t, test);
	assert_int_equal(qaccel_trainer_save(t, whole.path), 0);
	qaccel_trainer_destroy(t);

	o.threads = 3;
	assert_int_equal(qaccel_trainer_create(net2, data, &o, &t), 0);
	assert_int_equal(qaccel_trainer_epoch(t, test, NULL, NULL), 0);
	assert_int_equal(qaccel_trainer_save(t, parts.path), 0);
	run_steps(t, 3);
	qaccel_trainer_destroy(t);
	assert_int_equal(qaccel_trainer_resume(parts.path, data, 2, &net3, &t), 0);
	assert_int_equal(qaccel_trainer_num_epochs(t), 1);
	run_steps(t, 5);
	assert_int_equal(qaccel_trainer_save(t, parts.path), 0);
	qaccel_trainer_destroy(t);
	qaccel_net_destroy(net3);
	assert_int_equal(qaccel_trainer_resume(parts.path, data, 1, &net3, &t), 0);
	run_epochs(t, test);
	assert_int_equal(qaccel_trainer_save(t, parts.path), 0);
	qaccel_trainer_destroy(t);

	read_back(&whole);
	read_back(&parts);
	assert_same(&whole, &parts);
	remove_file(&whole);
	remove_file(&parts);
	qaccel_net_destroy(net);
	qaccel_net_destroy(net2);
	qaccel_net_destroy(net3);
	qaccel_dataset_destroy(data);
	qaccel_dataset_destroy(test);
}

static void test_resume_float(void **state)
{
	(void)state;
	check_resume(float_options());
}

static void test_resume_qat(void **state)
{
	(void)state;
	check_resume(qat_options());
}

static void test_round_trip(void **state)
{
	struct qaccel_train_options o = qat_options();
	struct qaccel_dataset *data = make_data(1);
	struct qaccel_net *net = make_net(), *loaded;
	struct qaccel_evaluation a, b;
	struct qaccel_simulation s;
	struct qaccel_trainer *t;
	struct file first, second;

	(void)state;
	make_path(&first);
	make_path(&second);
	o.epochs = 20;
	o.freeze_bn = 100;
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), 0);
	run_epochs(t, NULL);
	qaccel_trainer_destroy(t);
	assert_int_equal(qaccel_net_save(net, first.path), 0);
	assert_int_equal(qaccel_net_load(first.path, &loaded), 0);
	assert_string_equal(qaccel_net_architecture(net),
			    qaccel_net_architecture(loaded));
	qaccel_net_get_simulation(loaded, &s);
	assert_memory_equal(&s, &o.simulation, sizeof(s));
	assert_int_equal(qaccel_net_evaluate(net, data, 1, &a), 0);
	assert_int_equal(qaccel_net_evaluate(loaded, data, 2, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	/* It has learned: chance is a third. */
	assert_in_range(a.correct, COUNT * 8 / 10, COUNT);
	assert_int_equal(qaccel_net_save(loaded, second.path), 0);
	read_back(&first);
	read_back(&second);
	assert_same(&first, &second);
	qaccel_net_destroy(loaded);

	assert_int_equal(qaccel_trainer_resume(first.path, data, 1, &loaded, &t),
			 -ENODATA);
	remove_file(&first);
	remove_file(&second);
	qaccel_net_destroy(net);
	qaccel_dataset_destroy(data);
}

/* A checkpoint in the middle of the second epoch. */
static void make_checkpoint(struct file *f, const struct qaccel_dataset *data)
{
	struct qaccel_train_options o = qat_options();
	struct qaccel_net *net = make_net();
	struct qaccel_trainer *t;

	make_path(f);
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), 0);
	run_steps(t, 11);
	assert_int_equal(qaccel_trainer_save(t, f->path), 0);
	read_back(f);
	qaccel_trainer_destroy(t);
	qaccel_net_destroy(net);
}

static void test_damage(void **state)
{
	struct qaccel_dataset *data = make_data(1), *other = make_data(2);
	struct qaccel_trainer *t;
	struct qaccel_net *net;
	struct file f;

	(void)state;
	make_checkpoint(&f, data);
	assert_int_equal(qaccel_trainer_resume(f.path, other, 1, &net, &t),
			 -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "other data"));
	for (size_t i = 0; i < f.size; i += i < 1000 ? 1 : 37) {
		f.data[i] ^= (uint8_t)(1 << i % 8);
		write_out(&f, f.size);
		assert_int_equal(qaccel_net_load(f.path, &net), -EBADMSG);
		assert_int_equal(qaccel_trainer_resume(f.path, data, 1, &net, &t),
				 -EBADMSG);
		f.data[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < f.size; i += i < 100 ? 1 : 97) {
		write_out(&f, i);
		assert_int_equal(qaccel_net_load(f.path, &net), -EBADMSG);
	}
	write_out(&f, f.size);
	assert_int_equal(qaccel_net_load(f.path, &net), 0);
	qaccel_net_destroy(net);
	remove_file(&f);
	assert_int_equal(qaccel_net_load(f.path, &net), -ENOENT);
	assert_int_equal(qaccel_net_load("/", &net), -EBADMSG);
	assert_int_equal(qaccel_net_load("/dev/zero", &net), -EBADMSG);
	qaccel_dataset_destroy(data);
	qaccel_dataset_destroy(other);
}

/* As somebody would who knows the format: with the right checksum. */
static void sign(struct file *f)
{
	uint32_t crc = (uint32_t)crc32_z(0, f->data + 16, f->size - 16);

	for (int i = 0; i < 4; i++)
		f->data[12 + i] = (uint8_t)(crc >> 8 * i);
	write_out(f, f->size);
}

static int load_error(struct file *f)
{
	struct qaccel_net *net;
	int err;

	sign(f);
	err = qaccel_net_load(f->path, &net);
	if (!err)
		qaccel_net_destroy(net);
	return err;
}

/* Where a section's contents begin. */
static size_t section(const struct file *f, const char *tag)
{
	for (size_t i = 24; i + 16 <= f->size; i += 8)
		if (!memcmp(f->data + i, tag, 4))
			return i + 16;
	fail_msg("no section %s", tag);
	return 0;
}

static void test_hostile(void **state)
{
	static const uint8_t nan_bytes[4] = {0, 0, 0xc0, 0x7f};
	static const uint8_t minus_one[4] = {0, 0, 0x80, 0xbf};
	struct qaccel_dataset *data = make_data(1);
	struct qaccel_trainer *t;
	struct qaccel_net *net;
	uint8_t *values;
	struct file f;

	(void)state;
	make_checkpoint(&f, data);
	assert_int_equal(load_error(&f), 0);

	memcpy(f.data + section(&f, "PARM"), nan_bytes, 4);
	assert_int_equal(load_error(&f), -EBADMSG);
	assert_non_null(strstr(qaccel_last_error(), "stem/weights"));
	memset(f.data + section(&f, "PARM"), 0, 4);
	/* stem: four means, then four variances */
	values = f.data + section(&f, "STAT") + 16;
	memcpy(values, minus_one, 4);
	assert_int_equal(load_error(&f), -EBADMSG);
	assert_non_null(strstr(qaccel_last_error(), "layer stem"));
	memset(values, 0, 4);
	assert_int_equal(load_error(&f), 0);
	f.data[section(&f, "ARCH")] = 'x';
	assert_int_equal(load_error(&f), -EBADMSG);
	f.data[section(&f, "ARCH")] = 'i';
	/* 9 bits */
	f.data[section(&f, "SIMU")] = 9;
	assert_int_equal(load_error(&f), -EBADMSG);
	f.data[section(&f, "SIMU")] = 8;
	/* the seed is free, epochs are not */
	f.data[section(&f, "TRAI") + 8] = 0;
	sign(&f);
	assert_int_equal(qaccel_trainer_resume(f.path, data, 1, &net, &t),
			 -EINVAL);
	f.data[section(&f, "TRAI") + 8] = 1;
	assert_int_equal(load_error(&f), 0);
	assert_int_equal(qaccel_trainer_resume(f.path, data, 1, &net, &t),
			 -EBADMSG);
	f.data[8] = 2;
	assert_int_equal(load_error(&f), -EBADMSG);
	assert_non_null(strstr(qaccel_last_error(), "version 2"));
	remove_file(&f);
	qaccel_dataset_destroy(data);
}

/* Any bytes: an error or a network, and a trainer that can be asked to go on. */
static void test_any_bytes(void **state)
{
	struct qaccel_dataset *data = make_data(1);
	uint32_t random = 1;
	unsigned int resumed = 0, refused = 0;
	struct file f;

	(void)state;
	make_checkpoint(&f, data);
	for (int i = 0; i < 3000; i++) {
		struct qaccel_trainer *t;
		struct qaccel_net *net;
		size_t at;
		uint8_t old;

		random = random * 1664525 + 1013904223;
		/* Mostly where sizes and counts are. */
		at = (random >> 4) % (i % 2 ? f.size : 900);
		if (at >= 8 && at < 24)
			continue;
		old = f.data[at];
		f.data[at] = (uint8_t)(random >> 24);
		sign(&f);
		if (qaccel_trainer_resume(f.path, data, 1, &net, &t)) {
			refused++;
		} else {
			resumed++;
			if (i % 16 == 0 && qaccel_trainer_step(t, NULL))
				assert_non_null(qaccel_last_error());
			qaccel_trainer_destroy(t);
			qaccel_net_destroy(net);
		}
		f.data[at] = old;
	}
	assert_in_range(resumed, 100, 2900);
	assert_in_range(refused, 100, 2900);
	remove_file(&f);
	qaccel_dataset_destroy(data);
}

static void test_writing(void **state)
{
	struct qaccel_net *net = make_net(), *loaded;
	struct file f;
	char aside[64];

	(void)state;
	assert_int_equal(qaccel_net_save(net, "/nowhere/file"), -ENOENT);
	/* What can't be written leaves the old file and nothing else. */
	make_path(&f);
	assert_int_equal(qaccel_net_save(net, f.path), 0);
	snprintf(aside, sizeof(aside), "%s.tmp", f.path);
	assert_int_equal(access(aside, F_OK), -1);
	assert_int_equal(mkdir(aside, 0777), 0);
	assert_int_equal(qaccel_net_save(net, f.path), -EISDIR);
	assert_int_equal(rmdir(aside), 0);
	assert_int_equal(qaccel_net_load(f.path, &loaded), 0);
	qaccel_net_destroy(loaded);
	qaccel_net_destroy(net);
	remove_file(&f);
}

static void test_options(void **state)
{
	struct qaccel_dataset *data = make_data(1), *wide;
	struct qaccel_net *net = make_net();
	struct qaccel_train_options o;
	struct qaccel_trainer *t;
	uint8_t image[2] = {0}, label = 3;

	(void)state;
#define REFUSED(field, value) do { \
		o = float_options(); \
		o.field = value; \
		assert_int_equal(qaccel_trainer_create(net, data, &o, &t), \
				 -EINVAL); \
	} while (0)
	REFUSED(epochs, 0);
	REFUSED(batch, 0);
	REFUSED(batch, COUNT + 1);
	REFUSED(learning_rate, NAN);
	REFUSED(learning_rate, 0);
	REFUSED(momentum, 1);
	REFUSED(weight_decay, -1);
	REFUSED(weight_decay, INFINITY);
	REFUSED(warm_up, NAN);
	REFUSED(optimizer, 2);
	REFUSED(schedule, 4);
	REFUSED(shift, 5000);
	REFUSED(simulation.weight_bits, 1);
	REFUSED(simulation.activation_bits, 9);
	REFUSED(reserved[7], 1);
	o = float_options();
	o.simulation.per_channel = o.simulation.asymmetric = true;
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), -EINVAL);

	assert_int_equal(qaccel_dataset_create(image, &label, 1, 1, 2, 1, &wide),
			 0);
	assert_int_equal(qaccel_trainer_create(net, wide, NULL, &t), -EINVAL);
	assert_non_null(strstr(qaccel_last_error(), "1 x 2 x 1"));
	qaccel_dataset_destroy(wide);
	qaccel_net_destroy(net);
	qaccel_dataset_destroy(data);
}

/* A rate that makes the loss overflow is an error, not a network of NaNs. */
static void test_divergence(void **state)
{
	struct qaccel_dataset *data = make_data(1);
	struct qaccel_train_options o = float_options();
	struct qaccel_net *net = make_net();
	struct qaccel_trainer *t;
	int err = 0;

	(void)state;
	o.learning_rate = 1e30f;
	o.schedule = QACCEL_SCHEDULE_CONSTANT;
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), 0);
	while (!err)
		err = qaccel_trainer_epoch(t, NULL, NULL, NULL);
	assert_int_equal(err, -EDOM);
	qaccel_trainer_destroy(t);
	qaccel_net_destroy(net);
	qaccel_dataset_destroy(data);
}

static void test_ranges(void **state)
{
	struct qaccel_simulation s = {.activation_bits = 8};
	struct qaccel_dataset *data = make_data(1);
	struct qaccel_net *net = make_net();
	struct qaccel_evaluation e;

	(void)state;
	assert_int_equal(qaccel_net_simulate(net, &s), 0);
	assert_int_equal(qaccel_net_evaluate(net, data, 1, &e), -ENODATA);
	assert_non_null(strstr(qaccel_last_error(), "stem"));
	assert_int_equal(qaccel_net_calibrate(net, data, 0, NULL, 1), -EINVAL);
	assert_int_equal(qaccel_net_calibrate(net, data, COUNT + 1, NULL, 1),
			 -EINVAL);
	assert_int_equal(qaccel_net_calibrate(net, data, 50, NULL, 1), 0);
	/* After a ReLU and a ReLU6. */
	assert_true(net->net->layers[0].range->min == 0);
	assert_true(net->net->layers[0].range->max > 0);
	assert_true(net->net->layers[1].range->max <= 6);
	assert_int_equal(qaccel_net_evaluate(net, data, 1, &e), 0);
	qaccel_net_destroy(net);
	qaccel_dataset_destroy(data);
}

static bool stop_at_two(void *context, const struct qaccel_train_status *status)
{
	*(struct qaccel_train_status *)context = *status;
	return status->step < 2;
}

static void test_progress(void **state)
{
	struct qaccel_train_options o = float_options();
	struct qaccel_dataset *data = make_data(1);
	struct qaccel_net *net = make_net();
	struct qaccel_train_status status;
	struct qaccel_epoch epoch;
	struct qaccel_trainer *t;

	(void)state;
	o.epochs = 2;
	assert_int_equal(qaccel_trainer_create(net, data, &o, &t), 0);
	assert_int_equal(qaccel_trainer_epoch(t, NULL, stop_at_two, &status),
			 -ECANCELED);
	assert_int_equal(status.epoch, 1);
	assert_int_equal(status.epochs, 2);
	assert_int_equal(status.step, 2);
	assert_int_equal(status.steps, COUNT / 24);
	assert_int_equal(qaccel_trainer_history(t, 0, &epoch), -ERANGE);
	run_epochs(t, NULL);
	assert_int_equal(qaccel_trainer_num_epochs(t), 2);
	assert_int_equal(qaccel_trainer_history(t, 1, &epoch), 0);
	assert_int_equal(epoch.epoch, 2);
	assert_true(epoch.loss > 0 && epoch.loss < 1.2);
	assert_true(isnan(epoch.test_loss));
	assert_int_equal(qaccel_trainer_step(t, NULL), -ECANCELED);
	qaccel_trainer_destroy(t);
	qaccel_net_destroy(net);
	qaccel_dataset_destroy(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume_float),
		cmocka_unit_test(test_resume_qat),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_divergence),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
