// SPDX-License-Identifier: MIT
/* qaccel train: trains a network, or tells what a trained one is worth. */
#include <stdio.h>

#include "train_tool.h"

/* struct data - what is learned from, and tested with; either may be absent */
struct data {
	struct qaccel_dataset *train, *test;
};

static void close_data(struct data *data)
{
	qaccel_dataset_destroy(data->train);
	qaccel_dataset_destroy(data->test);
}

/* The last pictures become test, and train is without them. */
static int hold_out(struct data *data, size_t count)
{
	struct qaccel_dataset *all = data->train;
	size_t rest = qaccel_dataset_count(all);
	int ret = TOOL_OK;

	if (count >= rest)
		return tool_error("--holdout %zu of %zu pictures", count, rest);
	rest -= count;
	data->train = NULL;
	if (qaccel_dataset_slice(all, 0, rest, &data->train) ||
	    qaccel_dataset_slice(all, rest, count, &data->test))
		ret = tool_library_error();
	qaccel_dataset_destroy(all);
	return ret;
}

static int open_data(const struct train_cli *cli, struct data *data)
{
	if (cli->images && qaccel_dataset_load(cli->images, cli->labels,
					       &data->train))
		return tool_library_error();
	if (cli->test_images && qaccel_dataset_load(cli->test_images,
						    cli->test_labels,
						    &data->test))
		return tool_library_error();
	return cli->holdout ? hold_out(data, cli->holdout) : TOOL_OK;
}

/* --------------------------------------------------------------- evaluation -- */

static int print_evaluation(struct qaccel_net *net,
			    const struct qaccel_dataset *test, uint32_t threads)
{
	struct qaccel_evaluation e;

	if (qaccel_net_evaluate(net, test, threads, &e))
		return tool_library_error();
	printf("accuracy %.2f %% (%llu of %llu), loss %.4f\n",
	       100 * (double)e.correct / (double)e.count,
	       (unsigned long long)e.correct, (unsigned long long)e.count,
	       e.loss);
	return TOOL_OK;
}

static int evaluate_net(const struct train_cli *cli, const struct data *data,
			struct qaccel_net *net)
{
	const struct qaccel_observer_options observer = {
		.kind = (enum qaccel_observer_kind)cli->observer,
		.bits = cli->options.simulation.activation_bits,
	};
	uint32_t threads = cli->options.threads;

	if (cli->simulation_given &&
	    qaccel_net_simulate(net, &cli->options.simulation))
		return tool_library_error();
	if (cli->calibrate &&
	    qaccel_net_calibrate(net, data->train, cli->calibrate, &observer,
				 threads))
		return tool_library_error();
	return print_evaluation(net, data->test, threads);
}

static int evaluate(const struct train_cli *cli, const struct data *data)
{
	struct qaccel_net *net;
	int ret;

	if (qaccel_net_load(cli->evaluate, &net))
		return tool_library_error();
	ret = evaluate_net(cli, data, net);
	qaccel_net_destroy(net);
	return ret;
}

/* ----------------------------------------------------------------- training -- */

static int create_trainer(const struct train_cli *cli, const struct data *data,
			  struct qaccel_net **net,
			  struct qaccel_trainer **trainer)
{
	int err;

	if (cli->resume)
		err = qaccel_trainer_resume(cli->resume, data->train,
					    cli->options.threads, net, trainer);
	else if (cli->init)
		err = qaccel_net_load(cli->init, net);
	else
		err = qaccel_net_create_file(cli->architecture, net);
	if (!err && !cli->resume)
		err = qaccel_trainer_create(*net, data->train, &cli->options,
					    trainer);
	return err ? tool_library_error() : TOOL_OK;
}

static void print_start(const struct train_cli *cli, const struct data *data,
			const struct qaccel_net *net)
{
	struct qaccel_net_info info;

	if (cli->quiet)
		return;
	qaccel_net_get_info(net, &info);
	printf("%u layers, %llu parameters, %.2f M multiply-accumulates; %zu pictures",
	       info.layers, (unsigned long long)info.parameters,
	       (double)info.macs / 1e6, qaccel_dataset_count(data->train));
	if (data->test)
		printf(", %zu to test", qaccel_dataset_count(data->test));
	putchar('\n');
	fflush(stdout);
}

static int run_epochs(const struct train_cli *cli, const struct data *data,
		      struct qaccel_trainer *trainer)
{
	struct qaccel_train_options options;
	struct train_report report;
	int ret = TOOL_OK;

	qaccel_trainer_get_options(trainer, &options);
	train_report_start(&report, cli, options.batch);
	while (!ret && !qaccel_trainer_finished(trainer)) {
		if (qaccel_trainer_epoch(trainer, data->test, train_report_step,
					 &report))
			return tool_library_error();
		ret = train_report_epoch(&report, trainer);
		if (!ret && cli->checkpoint &&
		    qaccel_trainer_save(trainer, cli->checkpoint))
			ret = tool_library_error();
	}
	return ret;
}

static int train(const struct train_cli *cli, const struct data *data)
{
	struct qaccel_trainer *trainer = NULL;
	struct qaccel_net *net = NULL;
	int ret;

	ret = create_trainer(cli, data, &net, &trainer);
	if (!ret) {
		print_start(cli, data, net);
		ret = run_epochs(cli, data, trainer);
	}
	if (!ret && cli->output && qaccel_net_save(net, cli->output))
		ret = tool_library_error();
	qaccel_trainer_destroy(trainer);
	if (!ret && data->test)
		ret = print_evaluation(net, data->test, cli->options.threads);
	qaccel_net_destroy(net);
	return ret;
}

int cmd_train(int argc, char **argv)
{
	struct data data = {0};
	struct train_cli cli;
	int ret;

	ret = train_parse(argc, argv, &cli);
	if (ret)
		return ret;
	if (cli.help) {
		fputs(train_usage, stdout);
		return TOOL_OK;
	}
	ret = open_data(&cli, &data);
	if (!ret)
		ret = cli.evaluate ? evaluate(&cli, &data) : train(&cli, &data);
	close_data(&data);
	return ret;
}
