// SPDX-License-Identifier: MIT
/* Training: steps, epochs, and how they are interrupted. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "error.h"
#include "schedule.h"
#include "trainer.h"

/* ----------------------------------------------------------- construction -- */

static int allocate(struct qaccel_trainer *t)
{
	size_t batch = t->options.batch;

	t->order = calloc(t->data->count, sizeof(*t->order));
	t->pictures = calloc(batch, dataset_picture_size(t->data) *
				    sizeof(*t->pictures));
	t->labels = calloc(batch, sizeof(*t->labels));
	t->history = calloc(t->options.epochs, sizeof(*t->history));
	if (!t->order || !t->pictures || !t->labels || !t->history)
		return qaccel_error(ENOMEM, "out of memory");
	return 0;
}

static int check(const struct qaccel_net *net,
		 const struct qaccel_dataset *dataset,
		 const struct qaccel_train_options *options)
{
	int err;

	err = trainer_check_options(options);
	if (!err)
		err = dataset_check(dataset, net->net);
	if (!err && options->batch > dataset->count)
		err = qaccel_error(EINVAL, "batches of %u out of %zu pictures",
				   options->batch, dataset->count);
	return err;
}

int qaccel_trainer_create(struct qaccel_net *net,
			  const struct qaccel_dataset *dataset,
			  const struct qaccel_train_options *options,
			  struct qaccel_trainer **trainer)
{
	struct qaccel_train_options o;
	struct qaccel_trainer *t;
	int err;

	qaccel_train_defaults(&o);
	if (options)
		o = *options;
	err = check(net, dataset, &o);
	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return qaccel_error(ENOMEM, "out of memory");
	t->net = net;
	t->data = dataset;
	t->options = o;
	t->steps = (uint32_t)(dataset->count / o.batch);
	err = allocate(t);
	if (!err)
		err = optimizer_init(&t->optimizer, net->net, &o);
	if (!err)
		err = qaccel_net_simulate(net, &o.simulation);
	if (err) {
		qaccel_trainer_destroy(t);
		return err;
	}
	if (!o.initialised)
		net_init(net->net, o.seed);
	batch_order(o.seed, 0, t->order, dataset->count);
	*trainer = t;
	return 0;
}

void qaccel_trainer_destroy(struct qaccel_trainer *trainer)
{
	if (!trainer)
		return;
	optimizer_finish(&trainer->optimizer);
	free(trainer->order);
	free(trainer->pictures);
	free(trainer->labels);
	free(trainer->history);
	free(trainer);
}

void qaccel_trainer_get_options(const struct qaccel_trainer *trainer,
				struct qaccel_train_options *options)
{
	*options = trainer->options;
}

/* ------------------------------------------------------------ checkpoints -- */

int qaccel_trainer_save(const struct qaccel_trainer *trainer, const char *path)
{
	const struct optimizer *o = &trainer->optimizer;
	struct checkpoint_training training = {
		.options = trainer->options,
		.pictures = trainer->data->count,
		.data_crc = trainer->data->crc,
		.epoch = trainer->epoch,
		.step = trainer->step,
		.loss = trainer->loss,
		.correct = trainer->correct,
		.optimizer_steps = o->step,
		.moments_count = o->count,
		.num_moments = o->num_moments,
		.moments = {o->moments[0], o->moments[1]},
		.history = trainer->history,
	};

	return checkpoint_write(path, trainer->net, &training);
}

/* What a hostile file could say, the options excepted. */
static bool fits(const struct qaccel_trainer *t,
		 const struct checkpoint_training *c)
{
	uint64_t done = (uint64_t)c->epoch * t->steps + c->step;

	return c->epoch <= t->options.epochs && c->step < t->steps &&
	       (c->epoch < t->options.epochs || !c->step) &&
	       c->optimizer_steps == done &&
	       c->num_moments == t->optimizer.num_moments &&
	       c->moments_count == t->optimizer.count && isfinite(c->loss);
}

static void restore(struct qaccel_trainer *t,
		    const struct checkpoint_training *c)
{
	t->epoch = c->epoch;
	t->step = c->step;
	t->loss = c->loss;
	t->correct = c->correct;
	t->optimizer.step = c->optimizer_steps;
	for (uint32_t i = 0; i < c->num_moments; i++)
		memcpy(t->optimizer.moments[i], c->moments[i],
		       t->optimizer.count * sizeof(float));
	memcpy(t->history, c->history, c->epoch * sizeof(*c->history));
	batch_order(t->options.seed, t->epoch, t->order, t->data->count);
}

static int resume(const char *path, struct qaccel_net *net,
		  const struct qaccel_dataset *dataset, uint32_t threads,
		  const struct checkpoint_training *c,
		  struct qaccel_trainer **trainer)
{
	struct qaccel_train_options options = c->options;
	struct qaccel_trainer *t;
	int err;

	if (c->pictures != dataset->count || c->data_crc != dataset->crc)
		return qaccel_error(EINVAL, "%s: trained on other data", path);
	/* Weights are those of the file. */
	options.initialised = true;
	options.threads = threads;
	err = qaccel_trainer_create(net, dataset, &options, &t);
	if (err)
		return err;
	t->options.initialised = c->options.initialised;
	if (!fits(t, c)) {
		qaccel_trainer_destroy(t);
		return qaccel_error(EBADMSG, "%s: an impossible state of training",
				    path);
	}
	restore(t, c);
	*trainer = t;
	return 0;
}

int qaccel_trainer_resume(const char *path,
			  const struct qaccel_dataset *dataset,
			  uint32_t threads, struct qaccel_net **net,
			  struct qaccel_trainer **trainer)
{
	struct checkpoint_training c;
	struct qaccel_net *n;
	int err;

	err = checkpoint_read(path, &n, &c);
	if (err)
		return err;
	err = resume(path, n, dataset, threads, &c, trainer);
	checkpoint_free(&c);
	if (err) {
		qaccel_net_destroy(n);
		return err;
	}
	*net = n;
	return 0;
}

/* ------------------------------------------------------------------ steps -- */

static void fill_batch(struct qaccel_trainer *t)
{
	const struct qaccel_train_options *o = &t->options;
	const struct batch_options batch = {
		.seed = o->seed,
		.flip = o->horizontal_flip,
		.shift = o->shift,
		.erase = o->erase,
	};
	size_t size = dataset_picture_size(t->data);

	for (uint32_t i = 0; i < o->batch; i++) {
		uint32_t index = t->order[(size_t)t->step * o->batch + i];

		t->labels[i] = t->data->labels[index];
		batch_picture(&batch, t->epoch, t->data, index,
			      t->pictures + i * size);
	}
}

/*
 * Weights are quantized from the first step on, activations after the delay:
 * their ranges are averages, which mean something only when weights have
 * settled (section 3.1).
 */
static struct net_pass pass_of(const struct qaccel_trainer *t, uint64_t step)
{
	const struct qaccel_train_options *o = &t->options;
	struct net_pass pass = handle_pass(&o->simulation);

	pass.batch_statistics = !o->freeze_bn || step < o->freeze_bn;
	pass.update_ranges = o->simulation.activation_bits != 0;
	pass.quantize_activations &= step >= o->quant_delay;
	pass.bn_momentum = o->bn_momentum;
	pass.range_momentum = o->range_momentum;
	return pass;
}

static void get_status(const struct qaccel_trainer *t,
		       struct qaccel_train_status *status)
{
	double steps = t->step ? t->step : 1;

	*status = (struct qaccel_train_status){
		.epoch = t->epoch + 1,
		.epochs = t->options.epochs,
		.step = t->step,
		.steps = t->steps,
		.loss = t->loss / steps,
		.accuracy = (double)t->correct / (steps * t->options.batch),
		.learning_rate = t->rate,
	};
}

/* The epoch's last step done: into the history, and on to the next. */
static void finish_epoch(struct qaccel_trainer *t,
			 const struct qaccel_train_status *status)
{
	t->history[t->epoch] = (struct qaccel_epoch){
		.epoch = t->epoch + 1,
		.learning_rate = status->learning_rate,
		.loss = status->loss,
		.accuracy = status->accuracy,
		.test_loss = (double)NAN,
		.test_accuracy = (double)NAN,
	};
	t->epoch++;
	t->step = 0;
	t->loss = 0;
	t->correct = 0;
	if (t->epoch < t->options.epochs)
		batch_order(t->options.seed, t->epoch, t->order, t->data->count);
}

static int take_step(struct qaccel_trainer *t, uint64_t step)
{
	const struct qaccel_train_options *o = &t->options;
	struct net_pass pass = pass_of(t, step);
	uint32_t correct;
	double loss;
	int err;

	fill_batch(t);
	err = net_train_step(t->net->net, &pass, t->pictures, t->labels,
			     o->batch, handle_threads(o->threads), &loss,
			     &correct);
	if (err)
		return err;
	if (!isfinite(loss))
		return qaccel_error(EDOM, "the loss of step %llu is not a number; the learning rate may be too large",
				    (unsigned long long)step);
	t->rate = schedule_rate(o->schedule, (double)o->learning_rate,
				(double)o->warm_up, step,
				(uint64_t)t->steps * o->epochs);
	optimizer_step(&t->optimizer, t->net->net, t->rate);
	t->loss += loss;
	t->correct += correct;
	t->step++;
	return 0;
}

int qaccel_trainer_step(struct qaccel_trainer *trainer,
			struct qaccel_train_status *status)
{
	struct qaccel_train_status s;
	int err;

	if (qaccel_trainer_finished(trainer))
		return qaccel_error(ECANCELED, "all %u epochs are done",
				    trainer->options.epochs);
	err = take_step(trainer, (uint64_t)trainer->epoch * trainer->steps +
				 trainer->step);
	if (err)
		return err;
	get_status(trainer, &s);
	if (trainer->step == trainer->steps)
		finish_epoch(trainer, &s);
	if (status)
		*status = s;
	return 0;
}

/* ----------------------------------------------------------------- epochs -- */

static int test_epoch(struct qaccel_trainer *t,
		      const struct qaccel_dataset *test)
{
	struct qaccel_epoch *epoch = &t->history[t->epoch - 1];
	struct qaccel_simulation simulation = t->net->simulation;
	struct qaccel_simulation now = simulation;
	struct qaccel_evaluation e;
	int err;

	/* Tested as trained so far: without activations' integers in the delay. */
	if ((uint64_t)t->epoch * t->steps <= t->options.quant_delay)
		now.activation_bits = 0;
	err = qaccel_net_simulate(t->net, &now);
	if (!err)
		err = qaccel_net_evaluate(t->net, test, t->options.threads, &e);
	/* Never fails: it was fine before. */
	if (qaccel_net_simulate(t->net, &simulation) || err)
		return err;
	epoch->test_loss = e.loss;
	epoch->test_accuracy = (double)e.correct / (double)e.count;
	return 0;
}

int qaccel_trainer_epoch(struct qaccel_trainer *trainer,
			 const struct qaccel_dataset *test,
			 qaccel_train_progress *progress, void *context)
{
	struct qaccel_train_status status;
	uint32_t epoch = trainer->epoch;
	int err;

	do {
		err = qaccel_trainer_step(trainer, &status);
		if (err)
			return err;
		if (progress && !progress(context, &status))
			return qaccel_error(ECANCELED, "stopped in epoch %u",
					    epoch + 1);
	} while (trainer->epoch == epoch);
	return test ? test_epoch(trainer, test) : 0;
}

bool qaccel_trainer_finished(const struct qaccel_trainer *trainer)
{
	return trainer->epoch == trainer->options.epochs;
}

uint32_t qaccel_trainer_num_epochs(const struct qaccel_trainer *trainer)
{
	return trainer->epoch;
}

int qaccel_trainer_history(const struct qaccel_trainer *trainer,
			   uint32_t index, struct qaccel_epoch *epoch)
{
	if (index >= trainer->epoch)
		return qaccel_error(ERANGE, "epoch %u of %u", index,
				    trainer->epoch);
	*epoch = trainer->history[index];
	return 0;
}
