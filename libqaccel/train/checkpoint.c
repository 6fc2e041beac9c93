// SPDX-License-Identifier: MIT
/*
 * The file is a header and sections, each with a tag and its size; all are
 * written from one list of fields in docs/training.md's order.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "arch.h"
#include "checkpoint.h"
#include "error.h"
#include "handle.h"
#include "stream.h"

#define VERSION		1
#define HEADER_SIZE	24
#define CRC_FROM	16		/* the checksum is of all from here on */
#define MAX_SIZE	((off_t)4 << 30)
#define MAX_EPOCHS	10000

static const char magic[8] = "QACCKPT\n";

/* --------------------------------------------------------------- sections -- */

/*
 * A section's tag and size. Written, the size is 0 until end() knows it; read,
 * it is what end() holds against. Returns where the section's contents begin.
 */
static size_t begin(struct stream *s, const char tag[4], uint64_t *size)
{
	char found[4];
	uint32_t zero = 0;

	memcpy(found, tag, sizeof(found));
	stream_bytes(s, found, sizeof(found));
	stream_u32(s, &zero);
	stream_u64(s, size);
	if (!s->err && (memcmp(found, tag, sizeof(found)) || zero ||
			(!s->writing && *size > s->size - s->at)))
		s->err = -EBADMSG;
	return s->at;
}

static void end(struct stream *s, size_t from, uint64_t size)
{
	size_t at = s->at;

	if (s->err)
		return;
	if (s->writing) {
		size = at - from;
		s->at = from - sizeof(size);
		stream_u64(s, &size);
		s->at = at;
	} else if (size != at - from) {
		s->err = -EBADMSG;
	}
	stream_align(s);
}

/* ---------------------------------------------------------------- network -- */

static void simulation_fields(struct stream *s, struct qaccel_simulation *q)
{
	stream_u32(s, &q->weight_bits);
	stream_u32(s, &q->activation_bits);
	stream_bool(s, &q->per_channel);
	stream_bool(s, &q->asymmetric);
}

static void write_text(struct stream *s, const char *text)
{
	uint64_t size = 0;
	size_t from = begin(s, "ARCH", &size);

	stream_bytes(s, (void *)text, strlen(text));
	end(s, from, size);
}

static int read_text(struct stream *s, const char *path,
		     struct qaccel_net **net)
{
	char name[256];
	uint64_t size = 0;
	size_t from = begin(s, "ARCH", &size);
	int err;

	if (s->err)
		return s->err;
	snprintf(name, sizeof(name), "%s: architecture", path);
	err = handle_create(name, (const char *)s->data + from, (size_t)size,
			    net);
	s->at += (size_t)size;
	end(s, from, size);
	/* The text is a part of the file: as such, it is damaged. */
	return err == -EINVAL ? -EBADMSG : err;
}

static void value_fields(struct stream *s, const struct net *net)
{
	uint64_t size = 0;
	size_t from = begin(s, "PARM", &size);

	for (uint32_t i = 0; i < net->num_params; i++)
		stream_floats(s, net->params[i].value, net->params[i].count);
	end(s, from, size);
	size = 0;
	from = begin(s, "STAT", &size);
	for (uint32_t i = 0; i < net->num_states; i++)
		stream_floats(s, net->states[i].value, net->states[i].count);
	end(s, from, size);
}

static bool all_finite(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

static bool good_layer(const struct net_layer *l)
{
	if (l->range && (l->range->min > l->range->max || l->range->seen < 0))
		return false;
	for (uint32_t c = 0; l->variance && c < l->out.c; c++)
		if (l->variance[c] < 0)
			return false;
	return true;
}

/* Values that no training leaves behind, and that later code relies on. */
static int check_values(const char *path, const struct net *net)
{
	for (uint32_t i = 0; i < net->num_params; i++)
		if (!all_finite(net->params[i].value, net->params[i].count))
			return qaccel_error(EBADMSG, "%s: %s: a value is not a number",
					    path, net->params[i].name);
	for (uint32_t i = 0; i < net->num_states; i++)
		if (!all_finite(net->states[i].value, net->states[i].count))
			return qaccel_error(EBADMSG, "%s: %s: a value is not a number",
					    path, net->states[i].name);
	for (uint32_t i = 0; i < net->num_layers; i++)
		if (!good_layer(&net->layers[i]))
			return qaccel_error(EBADMSG, "%s: impossible statistics of layer %s",
					    path, net->layers[i].desc.name);
	return 0;
}

static void simulation_section(struct stream *s, struct qaccel_simulation *q)
{
	uint64_t size = 0;
	size_t from = begin(s, "SIMU", &size);

	simulation_fields(s, q);
	end(s, from, size);
}

static int read_net(struct stream *s, const char *path,
		    struct qaccel_net **net)
{
	struct qaccel_simulation simulation = {0};
	int err;

	err = read_text(s, path, net);
	if (err)
		return err;
	simulation_section(s, &simulation);
	value_fields(s, (*net)->net);
	if (!s->err && qaccel_net_simulate(*net, &simulation))
		s->err = -EBADMSG;
	return s->err ? s->err : check_values(path, (*net)->net);
}

/* --------------------------------------------------------------- training -- */

static void option_fields(struct stream *s, struct qaccel_train_options *o)
{
	uint32_t optimizer = o->optimizer, schedule = o->schedule;

	stream_u64(s, &o->seed);
	stream_u32(s, &o->epochs);
	stream_u32(s, &o->batch);
	stream_u32(s, &optimizer);
	stream_floats(s, &o->learning_rate, 1);
	stream_floats(s, &o->momentum, 1);
	stream_bool(s, &o->nesterov);
	stream_bool(s, &o->initialised);
	stream_bool(s, &o->horizontal_flip);
	stream_floats(s, &o->beta1, 1);
	stream_floats(s, &o->beta2, 1);
	stream_floats(s, &o->epsilon, 1);
	stream_floats(s, &o->weight_decay, 1);
	stream_u32(s, &schedule);
	stream_floats(s, &o->warm_up, 1);
	stream_u32(s, &o->shift);
	stream_u32(s, &o->erase);
	stream_floats(s, &o->bn_momentum, 1);
	stream_floats(s, &o->range_momentum, 1);
	simulation_fields(s, &o->simulation);
	stream_u32(s, &o->quant_delay);
	stream_u32(s, &o->freeze_bn);
	o->optimizer = (enum qaccel_optimizer)optimizer;
	o->schedule = (enum qaccel_schedule)schedule;
}

static void training_section(struct stream *s, struct checkpoint_training *t)
{
	uint64_t size = 0;
	size_t from = begin(s, "TRAI", &size);

	option_fields(s, &t->options);
	stream_u64(s, &t->pictures);
	stream_u32(s, &t->data_crc);
	stream_u32(s, &t->epoch);
	stream_u32(s, &t->step);
	stream_double(s, &t->loss);
	stream_u64(s, &t->correct);
	stream_u64(s, &t->optimizer_steps);
	stream_u64(s, &t->moments_count);
	stream_u32(s, &t->num_moments);
	end(s, from, size);
}

static void *read_array(struct stream *s, uint64_t count, size_t size)
{
	/* What the file can't hold isn't worth the memory. */
	void *array = count <= s->size / size ?
		      calloc(count ? (size_t)count : 1, size) : NULL;

	if (!array && !s->err)
		s->err = count <= s->size / size ? -ENOMEM : -EBADMSG;
	return array;
}

static void moment_section(struct stream *s, struct checkpoint_training *t)
{
	uint64_t size = 0;
	size_t from = begin(s, "MOME", &size);

	if (!s->err && t->num_moments > 2)
		s->err = -EBADMSG;
	for (uint32_t i = 0; !s->err && i < t->num_moments; i++) {
		if (!s->writing)
			t->moments[i] = read_array(s, t->moments_count,
						   sizeof(float));
		if (s->err)
			break;
		stream_floats(s, t->moments[i], (size_t)t->moments_count);
		if (!s->err && !s->writing &&
		    !all_finite(t->moments[i], (size_t)t->moments_count))
			s->err = -EBADMSG;
	}
	end(s, from, size);
}

static void history_section(struct stream *s, struct checkpoint_training *t)
{
	uint64_t size = 0;
	size_t from = begin(s, "HIST", &size);

	if (!s->err && t->epoch > MAX_EPOCHS)
		s->err = -EBADMSG;
	if (!s->err && !s->writing)
		t->history = read_array(s, t->epoch, sizeof(*t->history));
	for (uint32_t i = 0; !s->err && i < t->epoch; i++) {
		struct qaccel_epoch *e = &t->history[i];

		e->epoch = i + 1;
		stream_double(s, &e->learning_rate);
		stream_double(s, &e->loss);
		stream_double(s, &e->accuracy);
		stream_double(s, &e->test_loss);
		stream_double(s, &e->test_accuracy);
	}
	end(s, from, size);
}

static void training_fields(struct stream *s, struct checkpoint_training *t)
{
	training_section(s, t);
	moment_section(s, t);
	history_section(s, t);
}

void checkpoint_free(struct checkpoint_training *training)
{
	free(training->moments[0]);
	free(training->moments[1]);
	free(training->history);
}

/* ----------------------------------------------------------------- header -- */

static void header_fields(struct stream *s, uint32_t *crc, uint64_t *size)
{
	char found[sizeof(magic)];
	uint32_t version = VERSION;

	memcpy(found, magic, sizeof(magic));
	stream_bytes(s, found, sizeof(found));
	stream_u32(s, &version);
	stream_u32(s, crc);
	stream_u64(s, size);
	if (!s->err && memcmp(found, magic, sizeof(magic)))
		s->err = qaccel_error(EBADMSG, "not a checkpoint");
	else if (!s->err && version != VERSION)
		s->err = qaccel_error(EBADMSG, "a checkpoint of version %u",
				      version);
}

static int check_header(struct stream *s)
{
	uint32_t crc = 0;
	uint64_t size = 0;

	header_fields(s, &crc, &size);
	if (s->err)
		return s->err;
	if (size != s->size)
		return qaccel_error(EBADMSG, "%zu bytes of %llu", s->size,
				    (unsigned long long)size);
	if (crc != (uint32_t)crc32_z(0, s->data + CRC_FROM, s->size - CRC_FROM))
		return qaccel_error(EBADMSG, "the checksum is wrong");
	return 0;
}

/* ------------------------------------------------------------------ files -- */

static int file_error(const char *path, int code)
{
	return qaccel_error(code, "%s: %s", path, strerror(code));
}

static int read_file(const char *path, struct stream *s)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	int err = 0;

	if (!file)
		return file_error(path, errno);
	if (fstat(fileno(file), &st))
		err = file_error(path, errno);
	else if (!S_ISREG(st.st_mode) || st.st_size < HEADER_SIZE ||
		 st.st_size > MAX_SIZE)
		err = qaccel_error(EBADMSG, "%s: not a checkpoint", path);
	if (!err) {
		s->size = (size_t)st.st_size;
		s->data = malloc(s->size);
		if (!s->data)
			err = qaccel_error(ENOMEM, "%s: out of memory", path);
		else if (fread(s->data, 1, s->size, file) != s->size)
			err = file_error(path, EIO);
	}
	fclose(file);
	return err;
}

/* As a whole or not at all, also when the machine stops in between. */
static int write_file(const char *path, const void *data, size_t size)
{
	size_t length = strlen(path);
	char *aside = malloc(length + sizeof(".tmp"));
	int fd, code = 0;

	if (!aside)
		return qaccel_error(ENOMEM, "out of memory");
	memcpy(aside, path, length);
	memcpy(aside + length, ".tmp", sizeof(".tmp"));
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		code = errno;
	for (size_t done = 0; !code && done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			code = errno;
	}
	if (!code && fsync(fd))
		code = errno;
	if (fd >= 0 && close(fd) && !code)
		code = errno;
	if (!code && rename(aside, path))
		code = errno;
	if (code && fd >= 0)
		unlink(aside);
	free(aside);
	return code ? file_error(path, code) : 0;
}

int checkpoint_write(const char *path, const struct qaccel_net *net,
		     const struct checkpoint_training *training)
{
	struct stream s = {.writing = true};
	struct qaccel_simulation simulation = net->simulation;
	struct checkpoint_training t;
	uint32_t crc = 0;
	uint64_t size = 0;
	int err;

	header_fields(&s, &crc, &size);
	write_text(&s, net->text);
	simulation_section(&s, &simulation);
	value_fields(&s, net->net);
	if (training) {
		t = *training;
		training_fields(&s, &t);
	}
	size = s.at;
	/* The size is under the checksum: it is written first. */
	for (int i = 0; i < 2 && !s.err; i++) {
		s.at = 0;
		header_fields(&s, &crc, &size);
		crc = (uint32_t)crc32_z(0, s.data + CRC_FROM, size - CRC_FROM);
	}
	err = s.err ? qaccel_error(-s.err, "%s: %s", path, strerror(-s.err)) :
	      write_file(path, s.data, size);
	free(s.data);
	return err;
}

/* The training is read, wanted or not: a damaged file isn't half a good one. */
static int read_all(struct stream *s, const char *path,
		    struct qaccel_net **net, struct checkpoint_training *training,
		    bool *trained)
{
	int err;

	err = read_net(s, path, net);
	if (err)
		return err;
	*trained = s->at != s->size;
	if (*trained)
		training_fields(s, training);
	if (!s->err && s->at != s->size)
		s->err = -EBADMSG;
	return s->err;
}

static int read_stream(struct stream *s, const char *path,
		       struct qaccel_net **net,
		       struct checkpoint_training *training, bool *trained)
{
	char reason[128];
	int err;

	if (check_header(s)) {
		snprintf(reason, sizeof(reason), "%s", qaccel_last_error());
		return qaccel_error(EBADMSG, "%s: %s", path, reason);
	}
	err = read_all(s, path, net, training, trained);
	if (s->err)
		err = qaccel_error(-s->err, "%s: %s before byte %zu", path,
				   s->err == -ENOMEM ? "out of memory" :
				   "damaged", s->at);
	return err;
}

int checkpoint_read(const char *path, struct qaccel_net **net,
		    struct checkpoint_training *training)
{
	struct checkpoint_training t = {0};
	struct qaccel_net *n = NULL;
	struct stream s = {0};
	bool trained = false;
	int err;

	err = read_file(path, &s);
	if (!err)
		err = read_stream(&s, path, &n, &t, &trained);
	free(s.data);
	if (!err && training && !trained)
		err = qaccel_error(ENODATA, "%s: a finished network, without the state of its training",
				   path);
	if (err || !training)
		checkpoint_free(&t);
	if (err) {
		qaccel_net_destroy(n);
		return err;
	}
	*net = n;
	if (training)
		*training = t;
	return 0;
}

int qaccel_net_load(const char *path, struct qaccel_net **net)
{
	return checkpoint_read(path, net, NULL);
}

int qaccel_net_save(const struct qaccel_net *net, const char *path)
{
	return checkpoint_write(path, net, NULL);
}
